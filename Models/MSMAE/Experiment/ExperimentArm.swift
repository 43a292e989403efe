import Apus

/// One of the ways to a classifier that an experiment compares.
///
/// All have equal budgets: each sees the training images as often as the others, in pre-training and fine-tuning
/// together.
public enum ExperimentArm: String, Hashable, Sendable, CaseIterable {
    /// Supervised training from random weights, on all patches.
    case scratch
    /// Pre-training without labels and with random masking, fine-tuning on all patches (He et al. 2022).
    case mae
    /// MSMAE as its released code does it.
    case released
    /// MSMAE as the method is described.
    case corrected

    public var title: String {
        switch self {
        case .scratch: "from scratch"
        case .mae: "MAE"
        case .released: "MSMAE, released"
        case .corrected: "MSMAE, corrected"
        }
    }

    /// Settings of pre-training in place of the recipe's; nil if there is none.
    var pretraining: [String: SettingValue]? {
        switch self {
        case .scratch: nil
        case .mae: ["method": .text("mae")]
        case .released, .corrected: ["method": .text("msmae"), "variant": .text(rawValue)]
        }
    }

    /// Settings of fine-tuning in place of the recipe's. `epochs` are those of pre-training.
    func finetuning(_ recipe: FineTuningSettings, pretrainingEpochs epochs: Int) -> [String: SettingValue] {
        switch self {
        // What pre-training would have taken is added to training, and random weights are not to be spared.
        case .scratch: ["method": .text("mae"), "epochs": .integer(recipe.epochs + epochs), "layer-decay": .number(1)]
        case .mae: ["method": .text("mae")]
        case .released, .corrected: ["method": .text("msmae"), "variant": .text(rawValue)]
        }
    }
}

/// Why there is no experiment.
public enum ExperimentError: Error, Hashable, Sendable, CustomStringConvertible {
    case nothingToCompare(recipe: String)
    /// A folder that holds the experiment of another recipe.
    case otherExperiment(path: String)

    public var description: String {
        switch self {
        case .nothingToCompare(let recipe):
            "\(recipe): an experiment compares classifiers, and the recipe lacks a section 'pretrain' or 'finetune'"
        case .otherExperiment(let path):
            "\(path): the folder holds an experiment with another recipe, data or number of seeds; go on with those, or choose another folder"
        }
    }
}
