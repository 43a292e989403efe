import Apus
import ArgumentParser
import Foundation
import MSMAE
import ToolOptions

/// Where a run of training is, for all commands that train.
struct RunOptions: ParsableArguments {
    @Option(help: "Folder of the new run.") var out: String?
    @Option(
        help: "Folder of a run to go on with; or a checkpoint of PyTorch (.pth), gone on with as a new run in --out.")
    var resume: String?
    @Option(help: "A recipe to take settings from: a name that `msmae recipes` lists, or a YAML file.") var recipe:
        String?
    @Option(help: ArgumentHelp("A value in place of the recipe's, such as finetune.epochs=3.", valueName: "name=value"))
    var set: [String] = []
    @Option(help: "YAML file with settings.") var config: String?
    @Option(
        help:
            "Trains so many runs with consecutive seeds, in folders seed-0, seed-1, ..., and compares them in summary.json."
    )
    var seeds: Int?
    @Flag(
        help: "Let --resume go on with other values of settings that shape the result, such as --lr; the log notes it.")
    var allowChanges = false
    @Flag(help: "Print steps, memory and about the time that the run would take, and write nothing.") var dryRun = false

    func validate() throws {
        if let seeds, !(1...1000).contains(seeds) {
            throw SettingError.outOfRange(name: "seeds", value: .integer(seeds), allowed: "from 1 to 1000")
        }
        if seeds != nil, resume != nil, out != nil {
            throw ValidationError("--seeds goes on where the runs are: --resume without --out.")
        }
        if allowChanges, resume == nil { throw ValidationError("--allow-changes is for --resume.") }
    }

    /// Starts a run or goes on with one; a run that was asked to stop ends with the exit status of the signal.
    func train<Task: ConfiguredTask>(_: Task.Type, _ options: SettingsOptions<Task.Settings>) throws
    where Task.Settings: ModelSettings {
        let communicator = try Ranks.join()
        if communicator != nil, seeds != nil {
            throw ValidationError("--seeds is for one process; run it without mpirun")
        }
        let recipe = try recipe.map { try RecipeFile.read($0, replacing: set) }
        if recipe == nil, !set.isEmpty { throw ValidationError("--set changes a recipe, and there is no --recipe") }
        var given = recipe?.settings(Task.Settings.kind) ?? [:]
        given.merge(try config.map { try SettingsFile.read($0, for: Task.Settings.self) } ?? [:]) { $1 }
        given.merge(options.given) { $1 }
        let isFirst = communicator?.rank ?? 0 == 0
        if dryRun {
            given["image-cache"] = .text(Task.Settings.noFile)  // which would be written
            let text = try Trainer<Task>(plan(given), output: .silent, communicator: communicator).dryRun().text
            return isFirst ? print(text) : ()
        }
        Interrupt.install()
        let outcome: TrainingOutcome, documents = try documents(recipe, Task.Settings.self, given)
        if let seeds {
            var runs = try seedRuns(Task.self, seeds, given)
            runs.documents = documents
            outcome = try runs.run()
        } else {
            var plan: RunPlan<Task.Settings> = try plan(given, isFirst: isFirst)
            plan.documents = documents
            outcome = try Trainer<Task>(plan, communicator: communicator).run()
        }
        if outcome == .stopped { throw ExitCode(128 + (Interrupt.signal ?? SIGINT)) }
    }

    /// RUN/recipe.yaml, the recipe with the settings as they are used; a run that is gone on with has it already.
    private func documents<Settings: ModelSettings>(
        _ recipe: Recipe?, _: Settings.Type, _ given: [String: SettingValue]
    ) throws -> [String: String] {
        guard var recipe, resume == nil else { return [:] }
        recipe.sections[Settings.kind] = try Settings().changed(by: given).values
        return ["recipe.yaml": try RecipeFile.text(of: recipe)]
    }

    private func plan<Settings: RunSettings>(
        _ given: [String: SettingValue], isFirst: Bool = true
    ) throws -> RunPlan<Settings> {
        // A dry run copies nothing either, and looks at runs that are under way; so do other ranks than the first.
        let writes = !dryRun && isFirst
        if let resume {
            return try RunPlan(
                resuming: resume, out: writes || resume.hasSuffix(".pth") ? out : nil, given: given,
                allowingChanges: allowChanges, holding: writes)
        }
        return try RunPlan(startingIn: newFolder, given: given)
    }

    private func seedRuns<Task: ConfiguredTask>(_: Task.Type, _ count: Int, _ given: [String: SettingValue]) throws
        -> SeedRuns<Task>
    {
        if let resume {
            return try SeedRuns(resuming: resume, count: count, given: given, allowingChanges: allowChanges)
        }
        return try SeedRuns(startingIn: newFolder, count: count, given: given)
    }

    private var newFolder: String {
        get throws {
            guard let out else { throw SettingError.missing(name: "--out") }
            return out
        }
    }
}
