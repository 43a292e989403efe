import Apus
import Foundation

/// Runs a recipe in several ways with equal budgets and compares them: from scratch, MAE, MSMAE released and corrected.
///
/// The folder holds `ARM/pretrain/seed-K` and `ARM/finetune/seed-K`, each a run like any other. An experiment that was
/// stopped goes on where it was; what has finished is not done again.
public struct Experiment {
    public let recipe: Recipe
    public let path: String
    public let arms: [ExperimentArm]
    public let seeds: [Int]
    private let given: [String: SettingValue]
    private let pretraining: PreTrainingSettings
    private let finetuning: FineTuningSettings

    /// Plans an experiment. `given` are settings of all runs, such as the data; each seed is used by all arms.
    ///
    /// Throws ``ExperimentError``, or what is wrong with a setting.
    public init(
        _ recipe: Recipe, path: String, arms: [ExperimentArm] = ExperimentArm.allCases, seeds: Int = 1,
        given: [String: SettingValue]
    ) throws {
        guard recipe.sections[.pretrain] != nil, recipe.sections[.finetune] != nil else {
            throw ExperimentError.nothingToCompare(recipe: recipe.name)
        }
        (self.recipe, self.path, self.arms, self.given) = (recipe, path, arms, given)
        pretraining = try PreTrainingSettings().changed(by: recipe.settings(.pretrain).merging(given) { $1 })
        finetuning = try FineTuningSettings().changed(by: recipe.settings(.finetune).merging(given) { $1 })
        try finetuning.checkOutput(path)
        let first = finetuning.seed
        self.seeds = (0..<seeds).map { first &+ $0 }
    }

    /// Trains all arms, seed by seed, and returns the comparison; nil if it was asked to stop.
    public func run(
        output: TrainingOutput = .standard, shouldStop: @escaping (_ step: Int) -> Bool = { _ in Interrupt.requested }
    ) throws -> ExperimentResult? {
        // What only fine-tuning reads must not be found broken after pre-training.
        let images = try ImageFolder(root: DataPart.folder("train", of: finetuning.data))
        let cache = try RunImageCache(finetuning)
        _ = try EvaluationImages.parts(
            of: finetuning, classes: images.classes,
            imageSize: finetuning.configuration(classes: images.classes.count).image, cache: cache, output)
        for seed in seeds {
            for arm in arms {
                if let settings = arm.pretraining {
                    output.say("\(arm.title), seed \(seed): pre-training")
                    let given = recipe.settings(.pretrain).merging(self.given) { $1 }.merging(settings) { $1 }
                    guard try train(PreTrainingTask.self, folder(arm, .pretrain, seed), given, seed, output, shouldStop)
                    else { return nil }
                }
                output.say("\(arm.title), seed \(seed): fine-tuning")
                guard
                    try train(
                        ClassifierTask<FineTuningSettings>.self, folder(arm, .finetune, seed),
                        finetuningSettings(arm, seed), seed, output, shouldStop)
                else { return nil }
            }
        }
        return try result()
    }

    /// The folder of a run.
    public func folder(_ arm: ExperimentArm, _ kind: RunKind, _ seed: Int) -> String {
        "\(path)/\(arm.rawValue)/\(kind.rawValue)/seed-\(seed)"
    }

    private func finetuningSettings(_ arm: ExperimentArm, _ seed: Int) -> [String: SettingValue] {
        let initial: [String: SettingValue] =
            arm.pretraining == nil ? [:] : ["init": .text(folder(arm, .pretrain, seed))]
        return recipe.settings(.finetune).merging(given) { $1 }
            .merging(arm.finetuning(finetuning, pretrainingEpochs: pretraining.epochs)) { $1 }.merging(initial) { $1 }
    }

    /// Starts a run, or goes on with it, to its end; false if it was asked to stop.
    private func train<Task: ConfiguredTask>(
        _: Task.Type, _ folder: String, _ given: [String: SettingValue], _ seed: Int, _ output: TrainingOutput,
        _ shouldStop: @escaping (Int) -> Bool
    ) throws -> Bool where Task.Settings: ModelSettings {
        let given = given.merging(["seed": .integer(seed)]) { $1 }
        let isBegun = Folders.exists(folder + "/config.json")
        let plan: RunPlan<Task.Settings> =
            try isBegun ? RunPlan(resuming: folder, given: given) : RunPlan(startingIn: folder, given: given)
        let isDone =
            Task.Settings.kind == .pretrain
            ? plan.finishedEpochs == plan.settings.epochs
            : Folders.exists(folder + "/evaluation.json")
        if isDone {
            output.say("finished before")
            return true
        }
        return try Trainer<Task>(plan, output: output, shouldStop: shouldStop).run() == .finished
    }

    /// The comparison, from what the runs have written.
    private func result() throws -> ExperimentResult {
        ExperimentResult(
            recipe: recipe.name, seeds: seeds, pretrainingEpochs: pretraining.epochs,
            finetuningEpochs: finetuning.epochs,
            arms: try arms.map { arm in
                ExperimentResult.Arm(
                    arm,
                    try seeds.map { try EvaluationReport(contentsOf: folder(arm, .finetune, $0) + "/evaluation.json") })
            })
    }
}
