import Apus
import Foundation

/// What a pre-training run is to do; the defaults are those of the public code.
public struct PreTrainingSettings: Hashable, Sendable {
    /// A folder with images at `train/CLASS/IMAGE`.
    public var data = ""
    /// Name of the model's sizes.
    public var preset = "base"
    /// Side of the images in pixels, if it is not the preset's.
    public var imageSize: Int?
    public var variant = Configuration.Variant.corrected.rawValue
    public var precision = Compiler.Precision.float32.rawValue
    /// Memory that parameters and activations may take, such as "1.5GB"; parts of the forward pass are computed again to stay below it.
    public var memoryLimit: String?

    public var epochs = 300
    /// Images of one run of the training program.
    public var batch = 64
    /// Batches whose gradients make one update.
    public var accumulation = 1
    /// Learning rate for 256 images per update.
    public var baseLearningRate = 1e-3
    /// Learning rate as it is, in place of the one that follows from `baseLearningRate`.
    public var learningRate: Double?
    public var minimumLearningRate = 0.0
    public var warmupEpochs = 40.0
    public var weightDecay = 0.05

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
    /// Leaves out images that cannot be read, instead of ending with an error.
    public var skipUnreadable = false
    /// Threads to compute with; nil for one per processor.
    public var threads: Int?
    /// Epochs from one checkpoint to the next.
    public var checkpointInterval = 1
    /// Checkpoints that are kept.
    public var keptCheckpoints = 2
    /// Steps from one line of the log to the next, beside those of the epochs.
    public var logInterval = 50

    public init() {}

    /// Sets one setting by name.
    public mutating func set(_ name: String, _ value: SettingValue) throws(SettingError) {
        try Setting.named(name).write(&self, value)
    }

    /// All settings that have a value, by name.
    public var values: [String: SettingValue] {
        Dictionary(uniqueKeysWithValues: Setting.all.compactMap { setting in setting.read(self).map { (setting.name, $0) } })
    }

    /// The settings as the text of a JSON object.
    public var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(values) else { preconditionFailure("settings hold only finite numbers") }
        return String(decoding: data, as: UTF8.self)
    }

    /// Reads what ``json`` has written; throws `DecodingError` or `SettingError`.
    public init(json: String) throws {
        for (name, value) in try JSONDecoder().decode([String: SettingValue].self, from: Data(json.utf8)) { try set(name, value) }
    }
}

/// What follows from the settings.
extension PreTrainingSettings {
    /// The model for a number of classes.
    public func configuration(classes: Int) throws(SettingError) -> Configuration {
        guard var configuration = Configuration.preset(preset) else {
            throw .outOfRange(name: "preset", value: .text(preset), allowed: "the name of a preset")
        }
        if let imageSize { configuration.image = imageSize }
        configuration.classes = classes
        configuration.maskRatio = maskRatio
        configuration.throwRatio = throwRatio
        configuration.randomMaskRatio = randomMaskRatio
        configuration.normalizePixels = normalizePixels
        configuration.classificationLossWeight = classificationLossWeight
        configuration.variant = Configuration.Variant(rawValue: variant) ?? .corrected
        return configuration
    }

    /// Images of one update of the weights.
    var effectiveBatch: Int { batch * accumulation }

    /// The learning rate by epoch, which counts from 0 and may be a fraction.
    var schedule: LearningRateSchedule {
        .warmupCosine(
            base: learningRate ?? LearningRateSchedule.absoluteRate(base: baseLearningRate, effectiveBatch: effectiveBatch),
            minimum: minimumLearningRate, warmupEpochs: warmupEpochs, epochs: Double(epochs))
    }

    /// How programs are compiled.
    var compilerOptions: CompilerOptions {
        CompilerOptions(
            precision: Compiler.Precision(rawValue: precision) ?? .float32, memoryLimit: memoryLimit.flatMap(ByteCount.init)?.bytes)
    }

    var optimizer: Optimizer {
        .adamW(learningRate: schedule.rate(atEpoch: 0), betas: (0.9, 0.95), weightDecay: weightDecay)
    }

    /// How an epoch, counted from 0, masks.
    func masking(inEpoch epoch: Int) -> Masking { epoch < attentionStart ? .random : .attention }

    /// Whether the attention maps are computed anew before an epoch.
    func refreshesMaps(beforeEpoch epoch: Int) -> Bool {
        epoch < epochs && epoch >= attentionStart && (epoch - attentionStart) % attentionInterval == 0
    }
}
