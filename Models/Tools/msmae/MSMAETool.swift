import Apus
import ArgumentParser
import Foundation
import ToolOptions

@main
struct MSMAETool: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "msmae",
        abstract: "Medical supervised masked autoencoders: data, training, pictures and measurements.",
        version: BuildDescription.version,
        subcommands: [
            DataCommand.self,
            SplitCommand.self,
            RecipesCommand.self,
            PretrainCommand.self,
            FinetuneCommand.self,
            LinprobeCommand.self,
            EvaluateCommand.self,
            PredictCommand.self,
            SegmentCommand.self,
            AttentionCommand.self,
            ReconstructCommand.self,
            ConvertCommand.self,
            ExperimentCommand.self,
            ReportCommand.self,
            ReplayCommand.self,
            Bench.self,
            Info.self,
        ])

    /// Runs a command; an error is one line on standard error, and the process ends with a status that is not 0.
    static func main() {
        // Output that nobody reads and files that grow too large are errors to report, not reasons to die at once.
        for number in [SIGPIPE, SIGXFSZ] { signal(number, SIG_IGN) }
        do {
            var command = try parseAsRoot(OptionNames.normalized(Array(CommandLine.arguments.dropFirst())))
            try command.run()
        } catch {
            let status = exitCode(for: error)
            // Help and version are "errors" that are none, and an exit code alone says nothing more.
            if status == .success || error is ExitCode { exit(withError: error) }
            let line = "msmae: error: \(OptionNames.explained(message(for: error)))\n"
            try? FileHandle.standardError.write(contentsOf: Data(line.utf8))
            // What ends after a signal ends by it.
            Foundation.exit(Interrupt.signal.map { 128 + $0 } ?? status.rawValue)
        }
    }
}
