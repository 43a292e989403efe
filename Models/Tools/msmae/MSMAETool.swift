import ArgumentParser

@main
struct MSMAETool: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "msmae",
        abstract: "MSMAE: a masked autoencoder for medical images, supervised by attention.",
        subcommands: [
            ReplayCommand.self,
        ])
}
