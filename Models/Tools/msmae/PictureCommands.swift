import ArgumentParser
struct AttentionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "attention")
}
struct ReconstructCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "reconstruct")
}
