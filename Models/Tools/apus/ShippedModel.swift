import ArgumentParser
import MSMAE

/// A graph that ships with Apus, by its name on command lines: `msmae-pretrain`.
struct ShippedModel: ExpressibleByArgument {
    private static let prefix = "msmae-"
    static let names = NamedStep.allCases.map { prefix + $0.rawValue }
    static var allValueStrings: [String] { names }
    /// The names as help texts list them.
    static let list = names.joined(separator: ", ")

    let step: NamedStep
    var name: String { Self.prefix + step.rawValue }

    init?(argument: String) {
        guard argument.hasPrefix(Self.prefix),
            let step = NamedStep(rawValue: String(argument.dropFirst(Self.prefix.count)))
        else { return nil }
        self.step = step
    }
}
