import Apus
import ArgumentParser
import MSMAE

struct FinetuneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "finetune",
        abstract: "Trains a classifier on a folder of images, from pre-trained or random weights.",
        discussion: """
            DATA holds one folder of images for each class in train/, in val/ and, if it is there, in test/. Training sees the patches that \
            attention maps keep; after each epoch, validation sees all patches of val/, then the kept ones. The run's folder gets \
            config.json, log.jsonl, checkpoints/, best.safetensors (the best accuracy on all patches) and, at the end, evaluation.json, \
            predictions-all.csv, predictions-masked.csv and features.safetensors, for which the last and the best weights look at test/, or \
            at val/ where there is no test/. Ctrl-C ends the run after the step at hand with a checkpoint; the exit status \
            is then 130, or 143 after SIGTERM. A file given by --config has the same names as keys; the command line wins.
            """)

    @OptionGroup var training: RunOptions
    @OptionGroup var settings: FinetuneOptions

    func run() throws { try training.train(ClassifierTask<FineTuningSettings>.self, settings.given) }
}

/// The options that are settings; without defaults, which are those of `FineTuningSettings`.
struct FinetuneOptions: ParsableArguments {
    @Option(help: "Folder of images.") var data: String?
    @Option(
        name: .customLong("init"),
        help: ArgumentHelp(
            "Weights to begin with: a checkpoint of this program or of PyTorch (.pth), a run's folder, or none. (default: none)",
            valueName: "file"))
    var initialWeights: String?
    @Option(help: "msmae, or mae to train on all patches. (default: msmae)") var method: String?
    @Option(help: "corrected, or released to follow the public code. (default: corrected)") var variant: String?
    @OptionGroup var model: ModelSettings
    @Option(help: "(default: 50)") var epochs: Int?
    @Option(help: "Images per batch. (default: 64)") var batch: Int?
    @Option(help: "Batches per update of the weights. (default: 1)") var accumIter: Int?
    @Option(help: "Learning rate for 256 images per update. (default: 1e-3)") var blr: Double?
    @Option(help: "Learning rate as it is, in place of --blr.") var lr: Double?
    @Option(help: "Learning rate at the end. (default: 1e-6)") var minLr: Double?
    @Option(help: "Epochs in which the learning rate rises. (default: 5)") var warmupEpochs: Double?
    @Option(help: "(default: 0.05)") var weightDecay: Double?
    @Option(help: "Length that all gradients together are cut to. (default: none)") var clipGrad: Double?
    @Option(
        help:
            "Decay of an average of the weights, which is then evaluated in their place, such as 0.999. (default: none)"
    ) var ema: Double?
    @Option(help: "Factor of the learning rate from each block to the one below it. (default: 0.75)") var layerDecay:
        Double?
    @Option(help: "Chance to leave out a branch of the last block, less in those before it. (default: 0.1)")
    var dropPath: Double?
    @Option(help: "Share of each label that is spread over all classes. (default: 0.1)") var smoothing: Double?
    @Option(help: "Strength of mixup, such as 0.8. (default: 0)") var mixup: Double?
    @Option(help: "Strength of cutmix, such as 1. (default: 0)") var cutmix: Double?
    @Option(help: "How often a batch is mixed. (default: 1)") var mixupProb: Double?
    @Option(help: "How often it is cutmix, where both are on. (default: 0.5)") var mixupSwitchProb: Double?
    @Option(help: "What the head reads: mean (of the patches) or class-token. (default: mean)") var pooling: String?
    @Option(help: "Share of patches that attention masks. (default: 0.45)") var maskRatio: Double?
    @Option(help: "Share of patches that attention throws away. (default: 0.3)") var throwRatio: Double?
    @Option(help: "Epochs from one computation of the attention maps to the next. (default: 20)") var attentionInterval:
        Int?
    @Option(help: "Epochs without a better validation after which training ends. (default: never)") var patience: Int?
    @OptionGroup var running: RunningSettings
    @Flag(inversion: .prefixedNo, help: "Leave out images that cannot be read. (default: no)") var skipUnreadable: Bool?

    /// The options that were given, by name.
    var given: [String: SettingValue] {
        settingValues(
            ["data": data, "init": initialWeights, "method": method, "variant": variant, "pooling": pooling],
            [
                "epochs": epochs, "batch": batch, "accum-iter": accumIter, "attention-interval": attentionInterval,
                "patience": patience,
            ],
            [
                "blr": blr, "lr": lr, "min-lr": minLr, "warmup-epochs": warmupEpochs, "weight-decay": weightDecay,
                "clip-grad": clipGrad,
                "ema": ema, "layer-decay": layerDecay, "drop-path": dropPath, "smoothing": smoothing, "mixup": mixup,
                "cutmix": cutmix,
                "mixup-prob": mixupProb, "mixup-switch-prob": mixupSwitchProb, "mask-ratio": maskRatio,
                "throw-ratio": throwRatio,
            ],
            ["skip-unreadable": skipUnreadable]
        )
        .merging(model.given) { $1 }.merging(running.given) { $1 }
    }
}
