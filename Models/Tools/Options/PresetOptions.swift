import ArgumentParser
import MSMAE

/// The size of the model; the same for all commands that need no data.
package struct PresetOptions: ParsableArguments {
    package static let names = Configuration.presets.map(\.name)
    /// The names as help texts list them.
    package static let list = names.joined(separator: ", ")

    @Option(help: "Size of the model: \(list).", completion: .list(names))
    package var preset: String

    package init() {}

    package func validate() throws { try Self.check(preset) }

    package static func check(_ preset: String) throws {
        guard names.contains(preset) else { throw ValidationError("There is no preset '\(preset)'. Known: \(list).") }
    }

    package func configuration() throws -> Configuration {
        guard let configuration = Configuration.preset(preset) else {
            throw ValidationError("There is no preset '\(preset)'.")
        }
        return configuration
    }
}
