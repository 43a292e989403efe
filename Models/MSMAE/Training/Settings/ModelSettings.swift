import Apus
import Foundation

/// Settings of a run that trains a model of this module on a folder of images.
public protocol ModelSettings: RunSettings {
    static var kind: RunKind { get }

    /// A folder with the data, whose layout is the workflow's.
    var data: String { get set }
    /// Name of the model's sizes.
    var preset: String { get set }
    /// Side of the images in pixels, if it is not the preset's.
    var imageSize: Int? { get set }
    /// Intensities of 16-bit grey images that become black and white; nil where images are as they are seen.
    var window: IntensityWindow? { get set }
    /// The largest image files that are read.
    var imageLimits: ImageDecoder.Limits { get set }
    /// To how many pixels the shorter side of larger images is scaled before they are cropped; nil leaves them as they
    /// are.
    var shorterSide: Int? { get set }
    /// A folder that keeps decoded images, or `none`, and the bytes that it may take.
    var imageCache: String { get set }
    var imageCacheSize: ByteCount { get set }
    /// Where the weights come from that a run begins with: a file, the folder of a run, or `none`.
    var initialWeights: String { get set }
    /// The keys that lead to the state dict in a file of PyTorch; nil where only one can be meant.
    var weightsKey: String? { get set }
    /// What the names of the weights begin with in the file; nil where only one can be meant.
    var weightsPrefix: String? { get set }
    /// Leaves out images that cannot be read, instead of ending with an error.
    var skipUnreadable: Bool { get set }

    /// How an epoch, counted from 0, masks; nil if it looks at whole images.
    func masking(inEpoch epoch: Int) -> Masking?
    /// The model for a number of classes.
    func configuration(classes: Int) throws(SettingError) -> Configuration
}

/// What follows from the settings.
extension ModelSettings {
    public static var workflow: Workflow { kind.workflow }

    public static func workflow(ofFormat format: String) -> Workflow? {
        RunKind.allCases.map(\.workflow).first { $0.format == format }
    }

    public func checkOutput(_ path: String) throws { try DataPart.checkOutput(path, data: data) }

    /// A training checkpoint of the public code.
    public static func importedCheckpoint(
        _ path: String, given: [String: SettingValue]
    ) throws -> (any ImportedCheckpoint)? {
        try ForeignCheckpoint(
            path,
            .visionTransformer(key: given["weights-key"]?.description, prefix: given["weights-prefix"]?.description))
    }

    /// Threads that read images.
    var readers: Int { threads ?? Processors.available }

    /// How image files are read.
    var decoder: ImageDecoder { ImageDecoder(limits: imageLimits, window: window, shorterSide: shorterSide) }

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

/// Settings that several workflows share.
extension Setting where Settings: ModelSettings {
    /// The data, the model's size, and how programs are compiled.
    static func model(data: String) -> [Setting] {
        [
            // A folder may move: what is in it is compared by the images' names and the classes.
            Setting("data", \.data, data, shapesTheResult: false, isPath: true, isRequired: true),
            Setting("preset", \.preset, "Sizes of the model.", .oneOf(Configuration.presets.map(\.name))),
            Setting(
                "image-size", \.imageSize, "Side of the images in pixels; a multiple of the patch.",
                .range(ImageLoader.imageSizes), unset: "the preset's"),
            Setting(
                "window", \.window,
                "Intensities of 16-bit grey images (sample - offset) and of DICOM (rescaled) that become black and white.",
                unset: "none: high bytes, DICOM as its header says; the offset is 32768", valueName: "low,high[@offset]"
            ),
            Setting(
                "max-image", \.imageLimits, "The most pixels of an image file: of a side, and in all.",
                valueName: "side,pixels", shapesTheResult: false),
            Setting(
                "image-cache", \.imageCache,
                "Folder that keeps decoded images, for other runs too, or none; results are the same.",
                valueName: "folder", shapesTheResult: false, isPath: true),
            Setting(
                "image-cache-size", \.imageCacheSize,
                "Bytes that the folder may take; images that were not used for longest go first.", valueName: "bytes",
                shapesTheResult: false),
        ] + compilation
    }

    /// Where weights come from.
    static func initialWeights(_ meaning: String) -> [Setting] {
        [
            Setting(
                "init", \.initialWeights,
                "\(meaning): a checkpoint of this program or of PyTorch (.pth), a run's folder, or none.",
                valueName: "file", isPath: true),
            Setting(
                "weights-key", \.weightsKey, "The entry of a .pth file that holds the weights, such as model_ema.",
                unset: "the one that can be meant", valueName: "key"),
            Setting(
                "weights-prefix", \.weightsPrefix,
                "What the names of weights begin with in their file, such as module.",
                unset: "what can be meant", valueName: "text"),
        ]
    }

    static func method(_ key: Key<Configuration.Method>, _ mae: String) -> Setting {
        Setting("method", key, "The way of training; mae \(mae).")
    }

    static func variant(_ key: Key<Configuration.Variant>, _ released: String = "follows the public code") -> Setting {
        Setting("variant", key, "The variant of the method; released \(released).")
    }

    static func pooling(_ key: Key<Pooling>) -> Setting {
        Setting("pooling", key, "What the head reads: the mean of the patches, or the class token.")
    }

    /// How many patches attention masks and throws away.
    static func ratios(mask: Key<Double>, throwAway: Key<Double>) -> [Setting] {
        [
            Setting("mask-ratio", mask, "Share of patches that attention masks.", .range(0...1), changesOnTheWay: true),
            Setting(
                "throw-ratio", throwAway, "Share of patches that attention throws away.", .range(0...1),
                changesOnTheWay: true),
        ]
    }

    static func attentionInterval(_ key: Key<Int>) -> Setting {
        Setting(
            "attention-interval", key, "Epochs from one computation of the attention maps to the next.",
            .range(1...1_000_000), changesOnTheWay: true)
    }

    static func patience(_ key: Key<Int?>) -> Setting {
        Setting(
            "patience", key, "Epochs without a better validation after which training ends.", .range(1...1_000_000),
            unset: "never", changesOnTheWay: true)
    }

    static var shorterSide: Setting {
        Setting(
            "shorter-side", \.shorterSide,
            "Scale larger images to a shorter side of so many pixels before they are cropped, which changes crops a little.",
            .range(ImageLoader.imageSizes), unset: "as they are", valueName: "pixels")
    }

    static var skipUnreadable: Setting {
        Setting("skip-unreadable", \.skipUnreadable, "Leave out images that cannot be read.", shapesTheResult: false)
    }
}

extension Configuration.Method: SettingConvertible {}
extension Configuration.Variant: SettingConvertible {}
extension Pooling: SettingConvertible {}

extension IntensityWindow: SettingConvertible {
    public static var settingForm: SettingForm { .numbers }

    public init(setting value: SettingValue) throws(SettingMismatch) {
        do {
            self = try IntensityWindow(value.description)
        } catch {
            throw .outOfRange(allowed: "two numbers, the lower one first, such as -1024,3071")
        }
    }

    public var settingValue: SettingValue {
        let numbers = "\(low.shortText),\(high.shortText)"
        return .text(offset == Self.signedOffset ? numbers : "\(numbers)@\(offset.shortText)")
    }
}

extension ImageDecoder.Limits: SettingConvertible {
    public static var settingForm: SettingForm { .numbers }

    public init(setting value: SettingValue) throws(SettingMismatch) {
        do {
            try self.init(value.description)
        } catch {
            throw .outOfRange(allowed: "the most pixels of a side and of the whole image, such as 16384,134217728")
        }
    }

    public var settingValue: SettingValue { .text("\(side),\(pixels)") }
}

/// The workflows that make runs.
public enum RunKind: String, Hashable, Sendable, CaseIterable {
    case pretrain, finetune, linprobe, segment

    /// The names of its runs.
    public var workflow: Workflow {
        switch self {
        case .pretrain:
            Workflow(rawValue, format: "msmae.pretraining", activity: "pre-training", command: "msmae \(rawValue)")
        case .finetune:
            Workflow(rawValue, format: "msmae.finetuning", activity: "fine-tuning", command: "msmae \(rawValue)")
        case .linprobe:
            Workflow(rawValue, format: "msmae.linprobe", activity: "linear probing", command: "msmae \(rawValue)")
        case .segment:
            Workflow(rawValue, format: "msmae.segmentation", activity: "segmentation", command: "msmae segment train")
        }
    }

    /// The settings of its runs.
    public var settings: any ModelSettings.Type {
        switch self {
        case .pretrain: PreTrainingSettings.self
        case .finetune: FineTuningSettings.self
        case .linprobe: LinearProbingSettings.self
        case .segment: SegmentationSettings.self
        }
    }
}
