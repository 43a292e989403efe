import Apus
import ArgumentParser
import Foundation
import MSMAE
import ToolOptions

/// Where a run of training is, for all commands that train.
struct RunOptions: ParsableArguments {
    @Option(help: "Folder of the new run.") var out: String?
    @Option(help: "Folder of a run to go on with.") var resume: String?
    @Option(help: "A recipe to take settings from: a name that `msmae recipes` lists, or a YAML file.") var recipe: String?
    @Option(help: ArgumentHelp("A value in place of the recipe's, such as finetune.epochs=3.", valueName: "name=value")) var set: [String] = []
    @Option(help: "YAML file with settings.") var config: String?

    /// Starts a run or goes on with one; a run that was asked to stop ends with the exit status of the signal.
    func train<Task: TrainingTask>(_: Task.Type, _ options: [String: SettingValue]) throws {
        let recipe = try recipe.map { try RecipeFile.read($0, replacing: set) }
        if recipe == nil, !set.isEmpty { throw ValidationError("--set changes a recipe, and there is no --recipe") }
        var given = recipe?.settings(Task.Settings.kind) ?? [:]
        given.merge(try config.map { try SettingsFile.read($0, for: Task.Settings.self) } ?? [:]) { $1 }
        given.merge(options) { $1 }
        let plan: RunPlan<Task.Settings>
        if let resume {
            plan = try RunPlan(resuming: resume, out: out, given: given)
        } else {
            guard let out else { throw SettingError.missing(name: "--out") }
            plan = try RunPlan(startingIn: out, given: given)
        }
        Interrupt.install()
        let trainer = try Trainer<Task>(plan)
        if var recipe {
            recipe.sections[Task.Settings.kind] = plan.settings.values
            try AtomicFile.write(try RecipeFile.text(of: recipe), to: plan.path + "/recipe.yaml")
        }
        if try trainer.run() == .stopped { throw ExitCode(128 + (Interrupt.signal ?? SIGINT)) }
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
