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
            ExportCommand.self,
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
            var command = try parseAsRoot(OptionNames.normalized(arguments))
            try Ranks.check(command)
            try command.run()
            try StandardOutput.flush()
            Ranks.leave()
        } catch {
            let status = exitCode(for: error)
            // Help and version are "errors" that are none, and an exit code alone says nothing more.
            if status == .success || error is ExitCode {
                Ranks.leave(status.rawValue)
                exit(withError: error)
            }
            let text = OptionNames.explained(message(for: error))
            if Ranks.says(text) { say("\(Ranks.prefix)error: \(text)") }
            Ranks.leave(status.rawValue)
            // What ends after a signal ends by it.
            Foundation.exit(Interrupt.signal.map { 128 + $0 } ?? status.rawValue)
        }
    }

    /// Writes a line of this program on standard error.
    static func say(_ line: String) {
        // Nobody may be reading any more.
        try? FileHandle.standardError.write(contentsOf: Data("msmae: \(line)\n".utf8))
    }

    /// What the command was called with; `CommandLine.arguments` loses the bytes that are not UTF-8.
    private static var arguments: [String] {
        (1..<max(1, Int(CommandLine.argc))).compactMap { CommandLine.unsafeArgv[$0] }.map { argument in
            String(validatingCString: argument)
                ?? String(
                    nameBytes: UnsafeBufferPointer(start: argument, count: strlen(argument)).map(
                        UInt8.init(bitPattern:)))
        }
    }
}
