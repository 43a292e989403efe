import Apus
import ArgumentParser
import MSMAE

struct LinprobeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "linprobe",
        abstract:
            "Trains a linear head on a frozen encoder: how well classes can be told apart by what it has learned.",
        discussion: """
            DATA holds one folder of images for each class in train/ and in val/. The head is a batch normalisation without weights and a \
            linear layer, trained by LARS, with MAE's defaults. The run's folder gets the files that msmae finetune writes. A file given by \
            --config has the same names as keys; the command line wins.
            """)

    @OptionGroup var training: RunOptions
    @OptionGroup var settings: LinprobeOptions

    func run() throws { try training.train(ClassifierTask<LinearProbingSettings>.self, settings.given) }
}

/// The options that are settings; without defaults, which are those of `LinearProbingSettings`.
struct LinprobeOptions: ParsableArguments {
    @Option(help: "Folder of images.") var data: String?
    @Option(
        name: .customLong("init"),
        help: ArgumentHelp(
            "Weights of the encoder: a checkpoint of this program or of PyTorch (.pth), a run's folder, or none. (default: none)",
            valueName: "file"))
    var initialWeights: String?
    @OptionGroup var model: ModelSettings
    @Option(help: "(default: 90)") var epochs: Int?
    @Option(help: "Images per batch. (default: 512)") var batch: Int?
    @Option(help: "Batches per update of the weights. (default: 1)") var accumIter: Int?
    @Option(help: "Learning rate for 256 images per update. (default: 0.1)") var blr: Double?
    @Option(help: "Learning rate as it is, in place of --blr.") var lr: Double?
    @Option(help: "Learning rate at the end. (default: 0)") var minLr: Double?
    @Option(help: "Epochs in which the learning rate rises. (default: 10)") var warmupEpochs: Double?
    @Option(help: "(default: 0)") var weightDecay: Double?
    @Option(help: "Length that all gradients together are cut to. (default: none)") var clipGrad: Double?
    @Option(
        help:
            "Decay of an average of the weights, which is then evaluated in their place, such as 0.999. (default: none)"
    ) var ema: Double?
    @Option(help: "What the head reads: mean (of the patches) or class-token. (default: class-token)") var pooling:
        String?
    @Option(help: "Epochs without a better validation after which training ends. (default: never)") var patience: Int?
    @OptionGroup var running: RunningSettings
    @Flag(inversion: .prefixedNo, help: "Leave out images that cannot be read. (default: no)") var skipUnreadable: Bool?

    /// The options that were given, by name.
    var given: [String: SettingValue] {
        settingValues(
            ["data": data, "init": initialWeights, "pooling": pooling],
            ["epochs": epochs, "batch": batch, "accum-iter": accumIter, "patience": patience],
            [
                "blr": blr, "lr": lr, "min-lr": minLr, "warmup-epochs": warmupEpochs, "weight-decay": weightDecay,
                "clip-grad": clipGrad, "ema": ema,
            ],
            ["skip-unreadable": skipUnreadable]
        )
        .merging(model.given) { $1 }.merging(running.given) { $1 }
    }
}
