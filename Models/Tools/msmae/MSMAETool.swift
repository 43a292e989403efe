import ArgumentParser

@main
struct MSMAETool: ParsableCommand {
    /// The version of the package.
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "msmae",
        abstract: "MSMAE: a masked autoencoder for medical images, supervised by attention.",
        version: version,
        subcommands: [
            Bench.self,
            Info.self,
            ReplayCommand.self,
        ])
}
