import Apus

/// What a run of linear probing is to do; the defaults are those of MAE's code.
public struct LinearProbingSettings: ClassifierSettings {
    public static let kind = RunKind.linprobe

    /// A folder with images at `train/CLASS/IMAGE` and `val/CLASS/IMAGE`.
    public var data = ""
    public var initialWeights = noFile
    public var weightsKey: String?
    public var weightsPrefix: String?
    public var preset = "base"
    public var imageSize: Int?
    public var precision = CompilerOptions.Precision.float32
    public var window: IntensityWindow?
    public var imageLimits = ImageDecoder.Limits()
    public var shorterSide: Int?
    public var imageCache = noFile
    public var imageCacheSize = ByteCount(bytes: ImageCache.standardLimit)
    public var products = CompilerOptions.Products.generated
    public var memoryLimit: ByteCount?

    public var epochs = 90
    public var batch = 512
    public var accumulation = 1
    public var shares: Int?
    public var rankGradients = CompilerOptions.Precision.float32
    public var dividesState = false
    public var baseLearningRate = 0.1
    public var learningRate: Double?
    public var minimumLearningRate = 0.0
    public var warmupEpochs = 10.0
    public var weightDecay = 0.0
    public var clippingNorm: Double?
    public var averageDecay: Double?
    /// What the head reads.
    public var pooling = Pooling.classToken
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
        Setting.model(data: "Folder of images.")
        + Setting.initialWeights("Weights of the encoder") + Setting.length + Setting.rates
        + [.pooling(\.pooling), .patience(\.patience)] + Setting.seed + [.shorterSide, .skipUnreadable]
        + Setting.running
}

/// What follows from the settings.
extension LinearProbingSettings {
    public func configuration(classes: Int) throws(SettingError) -> Configuration {
        guard batch > 1 else {
            throw .outOfRange(
                name: "batch", value: .integer(batch),
                allowed: "from 2 on, since a batch of one has no variance for the head's BatchNorm")
        }
        return try presetConfiguration(classes: classes)
    }

    /// The encoder looks at whole images.
    public func masking(inEpoch epoch: Int) -> Masking? { nil }
    public func refreshesMaps(beforeEpoch epoch: Int) -> Bool { false }
    public var paths: [EvaluationPath] { [.all] }
    public var variant: Configuration.Variant { .corrected }
    public var mixup: Mixup? { nil }

    public func trainingStep(of model: MaskedAutoencoder, batch: Int) -> TrainingStep {
        model.linearProbing(
            batch: batch, pooling: pooling,
            optimizer: completed(.lars(learningRate: schedule.rate(atEpoch: 0), weightDecay: weightDecay)))
    }

    public func classification(of model: MaskedAutoencoder, batch: Int, masking: Masking?) -> InferenceStep {
        model.probedClassification(batch: batch, masking: masking, pooling: pooling)
    }

    public func learningRateScale(of weight: String, in model: MaskedAutoencoder) -> Double { 1 }
}
