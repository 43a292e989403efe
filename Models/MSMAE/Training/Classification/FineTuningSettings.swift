import Apus

public typealias FineTuner = Trainer<ClassifierTask<FineTuningSettings>>
public typealias FineTuningPlan = RunPlan<FineTuningSettings>

/// What a fine-tuning run is to do; the defaults are those of the public code.
public struct FineTuningSettings: ClassifierSettings {
    public static let kind = RunKind.finetune

    /// A folder with images at `train/CLASS/IMAGE` and `val/CLASS/IMAGE`.
    public var data = ""
    public var initialWeights = noFile
    public var weightsKey: String?
    public var weightsPrefix: String?
    /// How training looks at images: at the patches that attention masking keeps, or with `mae` at all patches.
    public var method = Configuration.Method.msmae
    public var variant = Configuration.Variant.corrected
    public var preset = "base"
    public var imageSize: Int?
    public var window: IntensityWindow?
    public var imageLimits = ImageDecoder.Limits()
    public var shorterSide: Int?
    public var imageCache = noFile
    public var imageCacheSize = ByteCount(bytes: ImageCache.standardLimit)
    public var precision = CompilerOptions.Precision.float32
    public var products = CompilerOptions.Products.generated
    public var memoryLimit: ByteCount?

    public var epochs = 50
    public var batch = 64
    public var accumulation = 1
    public var shares: Int?
    public var rankGradients = CompilerOptions.Precision.float32
    public var dividesState = false
    public var baseLearningRate = 1e-3
    public var learningRate: Double?
    public var minimumLearningRate = 1e-6
    public var warmupEpochs = 5.0
    public var weightDecay = 0.05
    public var clippingNorm: Double?
    public var averageDecay: Double?
    /// Factor of the learning rate from each block to the one below it.
    public var layerDecay = 0.75
    /// The chance to leave out a branch of the last block; blocks before it have less.
    public var dropPath = 0.1
    /// Share of each label that is spread over all classes.
    public var smoothing = 0.1
    /// α of mixup and of cutmix; 0 switches them off.
    public var mixupStrength = 0.0, cutmixStrength = 0.0
    /// How often a batch is mixed at all, and how often it is cutmix, where both are on.
    public var mixupProbability = 1.0, mixupSwitchProbability = 0.5
    /// What the head reads.
    public var pooling = Pooling.mean

    public var maskRatio = 0.45
    public var throwRatio = 0.3
    /// Epochs from one computation of the attention maps to the next.
    public var attentionInterval = 20
    public var patience: Int?

    public var seed = 0
    public var skipUnreadable = false
    public var threads: Int?
    public var pinned = false
    public var checkpointInterval = 1
    public var keptCheckpoints = 2
    public var logInterval = 50

    public init() {}

    public static let all: [Setting<Self>] =
        Setting.model(data: "Folder of images.") + Setting.initialWeights("Weights to begin with") + [
            .method(\.method, "trains on all patches"),
            .variant(\.variant),
        ] + Setting.length + Setting.rates + [
            Setting(
                "layer-decay", \.layerDecay, "Factor of the learning rate from each block to the one below it.",
                .range(0...1), changesOnTheWay: true),
            Setting(
                "drop-path", \.dropPath, "Chance to leave out a branch of the last block, less in those before it.",
                .range(0...0.999), changesOnTheWay: true),
            Setting(
                "smoothing", \.smoothing, "Share of each label that is spread over all classes.", .range(0...0.999),
                changesOnTheWay: true),
            Setting(
                "mixup", \.mixupStrength, "Strength of mixup, such as 0.8.", .range(0...1000), changesOnTheWay: true),
            Setting(
                "cutmix", \.cutmixStrength, "Strength of cutmix, such as 1.", .range(0...1000), changesOnTheWay: true),
            Setting(
                "mixup-prob", \.mixupProbability, "How often a batch is mixed.", .range(0...1), changesOnTheWay: true),
            Setting(
                "mixup-switch-prob", \.mixupSwitchProbability, "How often it is cutmix, where both are on.",
                .range(0...1), changesOnTheWay: true),
            .pooling(\.pooling),
        ] + Setting.ratios(mask: \.maskRatio, throwAway: \.throwRatio) + [
            .attentionInterval(\.attentionInterval),
            .patience(\.patience),
        ] + Setting.seed + [.shorterSide, .skipUnreadable] + Setting.running
}

/// What follows from the settings.
extension FineTuningSettings {
    public func configuration(classes: Int) throws(SettingError) -> Configuration {
        var configuration = try presetConfiguration(classes: classes)
        configuration.maskRatio = maskRatio
        configuration.throwRatio = throwRatio
        return configuration
    }

    public func masking(inEpoch epoch: Int) -> Masking? {
        method == .msmae ? .attention : nil
    }

    public var paths: [EvaluationPath] { [.all, .masked] }

    public func refreshesMaps(beforeEpoch epoch: Int) -> Bool {
        masking(inEpoch: epoch) == .attention && epoch < epochs && epoch % attentionInterval == 0
    }

    public func trainingStep(of model: MaskedAutoencoder, batch: Int) -> TrainingStep {
        let options = FineTuningOptions(
            smoothing: smoothing, dropPath: dropPath, pooling: pooling, softTargets: mixup?.isOn ?? false,
            masking: masking(inEpoch: 0))
        let optimizer = Optimizer.adamW(
            learningRate: schedule.rate(atEpoch: 0), weightDecay: weightDecay, decays: .fineTuning)
        return model.fineTuning(batch: batch, options: options, optimizer: completed(optimizer))
    }

    /// Smoothing is part of the loss.
    public var mixup: Mixup? {
        try? Mixup(
            mixup: mixupStrength, cutmix: cutmixStrength, probability: mixupProbability,
            switchProbability: mixupSwitchProbability, smoothing: 0)
    }

    public func classification(of model: MaskedAutoencoder, batch: Int, masking: Masking?) -> InferenceStep {
        model.classification(batch: batch, masking: masking, pooling: pooling)
    }

    public func learningRateScale(of weight: String, in model: MaskedAutoencoder) -> Double {
        model.learningRateScale(of: weight, decay: layerDecay)
    }
}
