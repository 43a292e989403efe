import Apus
import Foundation

/// What a run of training is to do, as a command line, a configuration file or a saved run gives it.
///
/// The requirements are what every run has; a workflow adds its own and lists all of them in ``all``.
public protocol RunSettings: Hashable, Sendable {
    /// The workflow that these are settings of.
    static var kind: RunKind { get }
    /// All settings, in the order in which they are documented.
    static var all: [Setting<Self>] { get }

    /// The defaults.
    init()

    /// A folder with the data, whose layout is the workflow's.
    var data: String { get set }
    /// Name of the model's sizes.
    var preset: String { get set }
    /// Side of the images in pixels, if it is not the preset's.
    var imageSize: Int? { get set }
    var precision: String { get set }
    /// Who computes matrix products. With `auto`, the last bits of a run depend on measurements of the machine.
    var products: CompilerOptions.Products { get set }
    /// Intensities of 16-bit grey images that become black and white, such as "-1024,3071"; nil where images are as
    /// they are seen.
    var window: String? { get set }
    /// Memory that parameters and activations may take, such as "1.5GB"; parts of the forward pass are computed again
    /// to stay below it.
    var memoryLimit: String? { get set }
    var epochs: Int { get set }
    /// Images of one run of the training program.
    var batch: Int { get set }
    /// Batches whose gradients make one update.
    var accumulation: Int { get set }
    var seed: Int { get set }
    /// Leaves out images that cannot be read, instead of ending with an error.
    var skipUnreadable: Bool { get set }
    /// Threads to compute with; nil for one per processor.
    var threads: Int? { get set }
    /// Epochs from one checkpoint to the next.
    var checkpointInterval: Int { get set }
    /// Checkpoints that are kept.
    var keptCheckpoints: Int { get set }
    /// Steps from one line of the log to the next, beside those of the epochs.
    var logInterval: Int { get set }

    /// The learning rate by epoch, which counts from 0 and may be a fraction.
    var schedule: LearningRateSchedule { get }
    /// How an epoch, counted from 0, masks; nil if it looks at whole images.
    func masking(inEpoch epoch: Int) -> Masking?
    /// The model for a number of classes.
    func configuration(classes: Int) throws(SettingError) -> Configuration
}

extension RunSettings {
    /// The setting of a name; names of the public code, with underscores, are understood too.
    public static func setting(_ name: String) throws(SettingError) -> Setting<Self> {
        let kebab = String(name.map { $0 == "_" ? "-" : $0 })
        guard let setting = all.first(where: { $0.name == kebab }) else { throw .unknown(name: name) }
        return setting
    }

    /// Sets one setting by name.
    public mutating func set(_ name: String, _ value: SettingValue) throws(SettingError) {
        try Self.setting(name).write(&self, value)
    }

    /// All settings that have a value, by name.
    public var values: [String: SettingValue] {
        Dictionary(
            uniqueKeysWithValues: Self.all.compactMap { setting in setting.read(self).map { (setting.name, $0) } })
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
        self.init()
        for (name, value) in try JSONDecoder().decode([String: SettingValue].self, from: Data(json.utf8)) {
            try set(name, value)
        }
    }

    /// The defaults changed by settings that are given by name, with paths that do not depend on the current folder.
    public func changed(by given: [String: SettingValue]) throws(SettingError) -> Self {
        var settings = self
        for (name, value) in given.sorted(by: { $0.key < $1.key }) { try settings.set(name, value) }
        if settings.data.isEmpty { throw .missing(name: "data") }
        for setting in Self.all where setting.isPath {
            guard case .text(let path) = setting.read(settings), path != Self.noFile else { continue }
            try setting.write(&settings, .text(URL(fileURLWithPath: path).standardizedFileURL.path))
        }
        return settings
    }

    /// What stands in place of a path where there is no file.
    static var noFile: String { "none" }
}

/// What follows from the settings.
extension RunSettings {
    /// Images of one update of the weights.
    var effectiveBatch: Int { batch * accumulation }

    /// Threads that read images.
    var readers: Int { threads ?? ProcessInfo.processInfo.activeProcessorCount }

    /// How image files are read.
    var decoder: ImageDecoder { ImageDecoder(window: window.flatMap { try? IntensityWindow($0) }) }

    /// How programs are compiled.
    var compilerOptions: CompilerOptions {
        CompilerOptions(
            precision: Compiler.Precision(rawValue: precision) ?? .float32, products: products,
            memoryLimit: memoryLimit.flatMap(ByteCount.init)?.bytes)
    }

    /// The preset's model, with the size of the images and the number of classes.
    func presetConfiguration(classes: Int) throws(SettingError) -> Configuration {
        guard var configuration = Configuration.preset(preset) else {
            throw .outOfRange(name: "preset", value: .text(preset), allowed: "the name of a preset")
        }
        if let imageSize { configuration.image = imageSize }
        configuration.classes = classes
        return configuration
    }
}

/// Settings of a run whose learning rate rises, then falls by half a cosine, as in MAE's code.
public protocol WarmupSettings: RunSettings {
    /// Learning rate for 256 images per update.
    var baseLearningRate: Double { get set }
    /// Learning rate as it is, in place of the one that follows from `baseLearningRate`.
    var learningRate: Double? { get set }
    var minimumLearningRate: Double { get set }
    /// Epochs in which the learning rate rises.
    var warmupEpochs: Double { get set }
    var weightDecay: Double { get set }
    /// Length that all gradients together are cut to; nil leaves them as they are.
    var clippingNorm: Double? { get set }
    /// Decay of the average of weights that validation and evaluation use in place of the last ones; nil keeps none.
    var averageDecay: Double? { get set }
}

extension WarmupSettings {
    /// An optimizer with the clipping and the averages that the settings ask for.
    func completed(_ optimizer: Optimizer) -> Optimizer {
        let clipped = clippingNorm.map { optimizer.clippingGradients(toNorm: $0) } ?? optimizer
        return averageDecay.map { clipped.averagingWeights(decay: $0) } ?? clipped
    }

    public var schedule: LearningRateSchedule {
        .warmupCosine(
            base: learningRate
                ?? LearningRateSchedule.absoluteRate(base: baseLearningRate, effectiveBatch: effectiveBatch),
            minimum: minimumLearningRate, warmupEpochs: warmupEpochs, epochs: Double(epochs))
    }
}

/// The workflows that make runs.
public enum RunKind: String, Hashable, Sendable, CaseIterable {
    case pretrain, finetune, linprobe, segment

    /// What a checkpoint says it is.
    var format: String {
        switch self {
        case .pretrain: "msmae.pretraining"
        case .finetune: "msmae.finetuning"
        case .linprobe: "msmae.linprobe"
        case .segment: "msmae.segmentation"
        }
    }

    /// The name in messages.
    var activity: String {
        switch self {
        case .pretrain: "pre-training"
        case .finetune: "fine-tuning"
        case .linprobe: "linear probing"
        case .segment: "segmentation"
        }
    }
}
