import Apus
import ArgumentParser
import Foundation
import MSMAE
import ToolOptions

/// Where a run of training is, for all commands that train.
struct RunOptions: ParsableArguments {
    @Option(help: "Folder of the new run.") var out: String?
    @Option(help: "Folder of a run to go on with.") var resume: String?
    @Option(help: "YAML file with settings.") var config: String?
    @Option(help: "Trains so many runs with consecutive seeds, in folders seed-0, seed-1, ..., and compares them in summary.json.")
    var seeds: Int?
    @Flag(help: "Print steps, memory and about the time that the run would take, and write nothing.") var dryRun = false

    func validate() throws {
        if let seeds, !(1...1000).contains(seeds) { throw SettingError.outOfRange(name: "seeds", value: .integer(seeds), allowed: "from 1 to 1000") }
        if seeds != nil, resume != nil, out != nil { throw ValidationError("--seeds goes on where the runs are: --resume without --out.") }
    }

    /// Starts a run or goes on with one; a run that was asked to stop ends with the exit status of the signal.
    func train<Task: TrainingTask>(_: Task.Type, _ options: [String: SettingValue]) throws {
        var given = try config.map { try SettingsFile.read($0, for: Task.Settings.self) } ?? [:]
        given.merge(options) { $1 }
        if dryRun { return print(try Trainer<Task>(plan(given), output: .silent).dryRun().text) }
        Interrupt.install()
        let outcome = try seeds.map { try seedRuns(Task.self, $0, given).run() } ?? Trainer<Task>(plan(given)).run()
        if outcome == .stopped { throw ExitCode(128 + (Interrupt.signal ?? SIGINT)) }
    }

    private func plan<Settings: RunSettings>(_ given: [String: SettingValue]) throws -> RunPlan<Settings> {
        // A dry run copies nothing either.
        if let resume { return try RunPlan(resuming: resume, out: dryRun ? nil : out, given: given) }
        return try RunPlan(startingIn: newFolder, given: given)
    }

    private func seedRuns<Task: TrainingTask>(_: Task.Type, _ count: Int, _ given: [String: SettingValue]) throws -> SeedRuns<Task> {
        if let resume { return try SeedRuns(resuming: resume, count: count, given: given) }
        return try SeedRuns(startingIn: newFolder, count: count, given: given)
    }

    private var newFolder: String {
        get throws {
            guard let out else { throw SettingError.missing(name: "--out") }
            return out
        }
    }
}

/// The options that were given, by name.
func settingValues(
    _ texts: [String: String?], _ integers: [String: Int?], _ numbers: [String: Double?], _ flags: [String: Bool?]
) -> [String: SettingValue] {
    texts.compactMapValues { $0.map { .text($0) } }
        .merging(integers.compactMapValues { $0.map { .integer($0) } }) { $1 }
        .merging(numbers.compactMapValues { $0.map { .number($0) } }) { $1 }
        .merging(flags.compactMapValues { $0.map { .flag($0) } }) { $1 }
}
