import Apus

public typealias SegmentationTrainer = Trainer<SegmentationTask>

/// What a run of segmentation is to do; the defaults are those of the public code.
public struct SegmentationSettings: ModelSettings {
    public static let kind = RunKind.segment

    /// A folder with images at `train/images` and `val/images`, and masks of equal names at `train/masks/CLASS` and
    /// `val/masks/CLASS`.
    public var data = ""
    public var initialWeights = noFile
    public var weightsKey: String?
    public var weightsPrefix: String?
    public var variant = Configuration.Variant.corrected
    public var preset = "base"
    public var imageSize: Int?
    public var window: IntensityWindow?
    public var imageLimits = ImageDecoder.Limits()
    /// Images are scaled to the size of the model's at once, with their masks.
    public var shorterSide: Int?
    public var imageCache = noFile
    public var imageCacheSize = ByteCount(bytes: ImageCache.standardLimit)
    public var precision = CompilerOptions.Precision.float32
    public var products = CompilerOptions.Products.generated
    public var memoryLimit: ByteCount?
    /// Channels inside of the heads.
    public var headWidth = 256

    public var epochs = 200
    public var batch = 8
    public var accumulation = 1
    public var shares: Int?
    public var rankGradients = CompilerOptions.Precision.float32
    public var dividesState = false
    public var learningRate = 1e-4
    public var minimumLearningRate = 1e-5
    public var weightDecay = 1e-4
    public var patience: Int?

    public var seed = 0
    /// An image without its mask, or a mask without its image, is of no use, so nothing is left out.
    public var skipUnreadable = false
    public var threads: Int?
    public var pinned = false
    public var checkpointInterval = 1
    public var keptCheckpoints = 2
    public var logInterval = 50

    public init() {}

    public static let all: [Setting<Self>] =
        Setting.model(data: "Folder of images and masks.") + Setting.initialWeights("Weights to begin with") + [
            .variant(
                \.variant,
                "follows the public code: no bias of queries, keys and values, and images normalised twice"),
            Setting("head-width", \.headWidth, "Channels inside of the heads.", .range(Configuration.sizes)),
        ] + Setting.length + [
            Setting("lr", \.learningRate, "Learning rate at the beginning.", .from(0), changesOnTheWay: true),
            Setting("min-lr", \.minimumLearningRate, "Learning rate at the end.", .from(0), changesOnTheWay: true),
            Setting(
                "weight-decay", \.weightDecay, "How strongly weights are drawn to 0.", .from(0), changesOnTheWay: true),
            .patience(\.patience),
        ] + Setting.seed + Setting.running
}

/// What follows from the settings.
extension SegmentationSettings {
    public var schedule: LearningRateSchedule {
        .perEpoch(.cosine(base: learningRate, minimum: minimumLearningRate, epochs: Double(epochs)))
    }

    /// The encoder looks at whole images.
    public func masking(inEpoch epoch: Int) -> Masking? { nil }

    public func configuration(classes: Int) throws(SettingError) -> Configuration {
        var configuration = try presetConfiguration(classes: classes)
        configuration.variant = variant
        return configuration
    }

    /// How pixels become numbers: as in pre-training, or as the released code has it.
    var normalization: Normalization {
        variant == .released ? .releasedSegmentation : .imageNet
    }

    /// The model for a number of classes.
    func model(classes: Int) throws -> SegmentationModel {
        var configuration = SegmentationConfiguration(encoder: try configuration(classes: classes))
        (configuration.classes, configuration.headWidth) = (classes, headWidth)
        return try SegmentationModel(configuration)
    }

    /// A loader of DATA/PART; throws if its classes are not those that are `known`. In training, a rank reads its part
    /// of each batch; in evaluation ranks take turns with batches.
    func loader(
        _ data: String, part: String, known: [String]? = nil, augmentation: SegmentationAugmentation, batch: Int,
        imageSize: Int, cache: ImageCache? = nil, share: DataShare = .whole
    ) throws -> SegmentationLoader {
        let folder = try SegmentationFolder(root: DataPart.folder(part, of: data))
        if let known, !folder.classes.isExactly(known) {
            throw SegmentationError.otherClasses(path: folder.root, classes: folder.classes, known: known)
        }
        return try SegmentationLoader(
            folder: folder, batchSize: augmentation == .training ? share.part(of: batch) : batch, imageSize: imageSize,
            augmentation: augmentation,
            normalization: normalization, seed: UInt64(seed),
            threads: readers, decoder: decoder, imageCache: cache, share: share)
    }
}

/// Why a segmentation cannot be trained or used.
public enum SegmentationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A folder with masks of other classes than those that the model was trained on.
    case otherClasses(path: String, classes: [String], known: [String])
    /// A checkpoint of another kind of run.
    case noSegmentation(path: String, kind: RunKind)

    public var description: String {
        switch self {
        case .otherClasses(let path, let classes, let known):
            "\(path)/masks: there are masks of \(classes.joined(separator: ", ")), and the model was trained on \(known.joined(separator: ", "))"
        case .noSegmentation(let path, let kind):
            "\(path): a checkpoint of \(kind.workflow.activity) cannot segment; "
                + (kind == .pretrain ? "" : "ask for classes by msmae predict or msmae evaluate, or ")
                + "train from it by msmae segment train --init"
        }
    }
}
