import Apus

/// What a pre-training run is to do; the defaults are those of the public code.
public struct PreTrainingSettings: WarmupSettings {
    public static let kind = RunKind.pretrain

    /// A folder with images at `train/CLASS/IMAGE`.
    public var data = ""
    public var preset = "base"
    public var imageSize: Int?
    public var window: String?
    public var method = Configuration.Method.msmae.rawValue
    public var variant = Configuration.Variant.corrected.rawValue
    public var precision = Compiler.Precision.float32.rawValue
    public var products = CompilerOptions.Products.generated
    public var memoryLimit: String?

    public var epochs = 300
    public var batch = 64
    public var accumulation = 1
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
    public var checkpointInterval = 1
    public var keptCheckpoints = 2
    public var logInterval = 50

    public init() {}

    public static let all: [Setting<Self>] =
        Setting.model + [
            .text("method", \.method, among: Configuration.Method.allCases.map(\.rawValue)),
            .text("variant", \.variant, among: Configuration.Variant.allCases.map(\.rawValue)),
        ] + Setting.length + Setting.rates + [
            .number("mask-ratio", \.maskRatio, 0...1),
            .number("throw-ratio", \.throwRatio, 0...1),
            .number("random-mask-ratio", \.randomMaskRatio, 0...1),
            .flag("norm-pix-loss", \.normalizePixels),
            .number("classification-loss-weight", \.classificationLossWeight, 0...Double.greatestFiniteMagnitude),
            .integer("attention-start", \.attentionStart, 0...1_000_000),
            .integer("attention-interval", \.attentionInterval, 1...1_000_000),
        ] + Setting.running
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
        configuration.variant = Configuration.Variant(rawValue: variant) ?? .corrected
        configuration.method = learning
        return configuration
    }

    var optimizer: Optimizer {
        completed(.adamW(learningRate: schedule.rate(atEpoch: 0), betas: (0.9, 0.95), weightDecay: weightDecay))
    }

    private var learning: Configuration.Method { Configuration.Method(rawValue: method) ?? .msmae }

    public func masking(inEpoch epoch: Int) -> Masking? {
        learning == .mae || epoch < attentionStart ? .random : .attention
    }

    /// Whether the attention maps are computed anew before an epoch.
    func refreshesMaps(beforeEpoch epoch: Int) -> Bool {
        epoch < epochs && masking(inEpoch: epoch) == .attention && (epoch - attentionStart) % attentionInterval == 0
    }
}
