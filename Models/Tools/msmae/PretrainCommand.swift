import Apus
import ArgumentParser
import MSMAE

struct PretrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pretrain",
        abstract: "Pre-trains on a folder of images, with random and then attention-driven masking.",
        discussion: """
            DATA holds one folder of images for each class in train/. The run's folder gets config.json, log.jsonl and \
            checkpoints/. Ctrl-C ends the run after the step at hand with a checkpoint; the exit status is then 130, or 143 after \
            SIGTERM. Epochs count from 0. A file given by --config has the same names as keys; the command line wins.
            """)

    @OptionGroup var training: RunOptions
    @OptionGroup var settings: PretrainOptions

    func run() throws { try training.train(PreTrainingTask.self, settings.given) }
}

/// The options that are settings; without defaults, which are those of `PreTrainingSettings`.
struct PretrainOptions: ParsableArguments {
    @Option(help: "Folder of images.") var data: String?
    @OptionGroup var model: ModelSettings
    @Option(help: "msmae, or mae for random masking throughout and no labels. (default: msmae)") var method: String?
    @Option(help: "corrected, or released to follow the public code. (default: corrected)") var variant: String?
    @Option(help: "(default: 300)") var epochs: Int?
    @Option(help: "Images per batch. (default: 64)") var batch: Int?
    @Option(help: "Batches per update of the weights. (default: 1)") var accumIter: Int?
    @Option(help: "Learning rate for 256 images per update. (default: 1e-3)") var blr: Double?
    @Option(help: "Learning rate as it is, in place of --blr.") var lr: Double?
    @Option(help: "Learning rate at the end. (default: 0)") var minLr: Double?
    @Option(help: "Epochs in which the learning rate rises. (default: 40)") var warmupEpochs: Double?
    @Option(help: "(default: 0.05)") var weightDecay: Double?
    @Option(help: "Length that all gradients together are cut to. (default: none)") var clipGrad: Double?
    @Option(help: "Decay of an average of the weights, kept beside them, such as 0.999. (default: none)") var ema:
        Double?
    @Option(help: "Share of patches that attention masks. (default: 0.45)") var maskRatio: Double?
    @Option(help: "Share of patches that attention throws away. (default: 0.3)") var throwRatio: Double?
    @Option(help: "Share of patches that random masking masks. (default: 0.75)") var randomMaskRatio: Double?
    @Flag(inversion: .prefixedNo, help: "Predict patches normalised one by one. (default: no)") var normPixLoss: Bool?
    @Option(help: "Beside a reconstruction loss of weight 1. (default: 0.1)") var classificationLossWeight: Double?
    @Option(help: "The first epoch with attention-driven masking. (default: 41)") var attentionStart: Int?
    @Option(help: "Epochs from one computation of the attention maps to the next. (default: 40)") var attentionInterval:
        Int?
    @OptionGroup var running: RunningSettings
    @Flag(inversion: .prefixedNo, help: "Leave out images that cannot be read. (default: no)") var skipUnreadable: Bool?

    /// The options that were given, by name.
    var given: [String: SettingValue] {
        let texts = ["data": data, "method": method, "variant": variant]
        let integers = [
            "epochs": epochs, "batch": batch, "accum-iter": accumIter, "attention-start": attentionStart,
            "attention-interval": attentionInterval,
        ]
        let numbers = [
            "blr": blr, "lr": lr, "min-lr": minLr, "warmup-epochs": warmupEpochs, "weight-decay": weightDecay,
            "clip-grad": clipGrad, "ema": ema,
            "mask-ratio": maskRatio, "throw-ratio": throwRatio, "random-mask-ratio": randomMaskRatio,
            "classification-loss-weight": classificationLossWeight,
        ]
        let flags = ["norm-pix-loss": normPixLoss, "skip-unreadable": skipUnreadable]
        return settingValues(texts, integers, numbers, flags).merging(model.given) { $1 }.merging(running.given) { $1 }
    }
}
