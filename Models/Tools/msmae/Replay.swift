import Apus
import ArgumentParser
import Foundation
import MSMAE
import ToolOptions

struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Run recorded results of the public implementation again, and compare.",
        discussion: """
            The compiled program gets the recorded weights and inputs; its results are held against the recorded ones. \
            Exit status: 0 if all are within their tolerances, 1 if one is not, 2 if a file cannot be replayed.
            """)

    @Argument(help: "Recordings, as safetensors files.", completion: .file(extensions: ["safetensors"]))
    var files: [String]

    @OptionGroup var machine: MachineOptions

    func run() throws {
        let compiler = try machine.compiler()
        var (isUsable, passes) = (true, true)
        for (number, file) in files.enumerated() {
            do {
                let report = try Replay.run(file, compiler)
                passes = passes && report.passes
                let failed = report.comparisons.count { !$0.passes }
                print("\(number > 0 ? "\n" : "")\(report.path) (\(report.kind))\n\(report.table)")
                print(
                    failed == 0
                        ? "passed: \(report.comparisons.count) quantities within their tolerances"
                        : "FAILED: \(failed) of \(report.comparisons.count) quantities beyond their tolerances")
            } catch {
                isUsable = false
                FileHandle.standardError.write(Data("\(error)\n".utf8))
            }
        }
        if !isUsable { throw ExitCode(2) }
        if !passes { throw ExitCode(1) }
    }
}
