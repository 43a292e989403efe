import Apus

/// What a pre-training run is to do; the defaults are those of the public code.
public struct PreTrainingSettings: ModelSettings, WarmupSettings {
    public static let kind = RunKind.pretrain

    /// A folder with images at `train/CLASS/IMAGE`.
    public var data = ""
    public var initialWeights = noFile
    public var weightsKey: String?
    public var weightsPrefix: String?
    public var preset = "base"
    public var imageSize: Int?
    public var window: IntensityWindow?
    public var imageLimits = ImageDecoder.Limits()
    public var shorterSide: Int?
    public var imageCache = noFile
    public var imageCacheSize = ByteCount(bytes: ImageCache.standardLimit)
    public var method = Configuration.Method.msmae
    public var variant = Configuration.Variant.corrected
    public var precision = CompilerOptions.Precision.float32
    public var products = CompilerOptions.Products.generated
    public var memoryLimit: ByteCount?

    public var epochs = 300
    public var batch = 64
    public var accumulation = 1
    public var shares: Int?
    public var rankGradients = CompilerOptions.Precision.float32
    public var dividesState = false
    public var baseLearningRate = 1e-3
    public var learningRate: Double?
    public var minimumLearningRate = 0.0
    public var warmupEpochs = 40.0
    public var weightDecay = 0.05
    public var clippingNorm: Double?
    public var averageDecay: Double?

    public var maskRatio = 0.45
    public var throwRatio = 0.3
    public var randomMaskRatio = 0.75
    public var normalizePixels = false
    public var classificationLossWeight = 0.1
    /// The first epoch, counted from 0, in which attention chooses what is masked.
    public var attentionStart = 41
    /// Epochs from one computation of the attention maps to the next.
    public var attentionInterval = 40

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
            .method(\.method, "masks at random throughout and uses no labels"),
            .variant(\.variant),
        ] + Setting.length + Setting.rates + Setting.ratios(mask: \.maskRatio, throwAway: \.throwRatio) + [
            Setting(
                "random-mask-ratio", \.randomMaskRatio, "Share of patches that random masking masks.", .range(0...1),
                changesOnTheWay: true),
            Setting(
                "norm-pix-loss", \.normalizePixels, "Predict patches normalised one by one.", changesOnTheWay: true),
            Setting(
                "classification-loss-weight", \.classificationLossWeight, "Beside a reconstruction loss of weight 1.",
                .from(0), changesOnTheWay: true),
            Setting(
                "attention-start", \.attentionStart, "The first epoch with attention-driven masking.",
                .range(0...1_000_000), changesOnTheWay: true),
            .attentionInterval(\.attentionInterval),
        ] + Setting.seed + [.shorterSide, .skipUnreadable] + Setting.running
}

/// What follows from the settings.
extension PreTrainingSettings {
    public func configuration(classes: Int) throws(SettingError) -> Configuration {
        var configuration = try presetConfiguration(classes: classes)
        configuration.maskRatio = maskRatio
        configuration.throwRatio = throwRatio
        configuration.randomMaskRatio = randomMaskRatio
        configuration.normalizePixels = normalizePixels
        configuration.classificationLossWeight = classificationLossWeight
        configuration.variant = variant
        configuration.method = method
        return configuration
    }

    var optimizer: Optimizer {
        completed(.adamW(learningRate: schedule.rate(atEpoch: 0), betas: (0.9, 0.95), weightDecay: weightDecay))
    }

    public var notes: [String] {
        guard method == .msmae, attentionStart >= epochs else { return warmupNotes }
        return warmupNotes + [
            "attention-start is \(attentionStart) and epochs \(epochs): attention-driven masking, which begins in the epoch of "
                + "that number, never comes; --attention-start sets when it does"
        ]
    }

    public func masking(inEpoch epoch: Int) -> Masking? {
        method == .mae || epoch < attentionStart ? .random : .attention
    }

    /// Whether the attention maps are computed anew before an epoch.
    func refreshesMaps(beforeEpoch epoch: Int) -> Bool {
        epoch < epochs && masking(inEpoch: epoch) == .attention && (epoch - attentionStart) % attentionInterval == 0
    }
}
