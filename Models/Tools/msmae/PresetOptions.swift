import ArgumentParser
import MSMAE

/// The size of the model; the same for all commands that need no data.
struct PresetOptions: ParsableArguments {
    private static let names = Configuration.presets.map(\.name)

    @Option(help: "Size of the model: \(names.joined(separator: ", ")).", completion: .list(names))
    var preset: String

    func validate() throws {
        guard Self.names.contains(preset) else {
            throw ValidationError("There is no preset '\(preset)'. Known: \(Self.names.joined(separator: ", ")).")
        }
    }

    func configuration() throws -> Configuration {
        guard let configuration = Configuration.preset(preset) else { throw ValidationError("There is no preset '\(preset)'.") }
        return configuration
    }
}
