import ArgumentParser
import ToolOptions

@main
struct ApusTool: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apus",
        abstract: "Look into what the Apus compiler makes of a model, and what the machine can do.",
        subcommands: [
            Show.self,
            Explain.self,
            Compile.self,
            Build.self,
            Run.self,
            Peak.self,
            Scaling.self,
            Fuzz.self,
        ])

    /// Runs a command; what it could not print is an error.
    static func main() {
        do {
            var command = try parseAsRoot()
            try command.run()
            try StandardOutput.flush()
        } catch {
            exit(withError: error)
        }
    }
}
