import Apus
import Foundation

/// Pre-trains a model on a folder of images, through both phases of masking, with checkpoints.
public typealias PreTrainer = Trainer<PreTrainingTask>
public typealias PreTrainingPlan = RunPlan<PreTrainingSettings>

/// Pre-training: random masking at first, then masking by attention maps that are computed anew every some epochs.
public final class PreTrainingTask: ConfiguredTask {
    public typealias Settings = PreTrainingSettings

    public let configuration: Configuration
    public let identity: DataIdentity
    public let metrics: [TrainingMetric]

    private let settings: PreTrainingSettings
    private let output: TrainingOutput
    private let model: MaskedAutoencoder
    private let loader: ImageLoader
    private let cache: RunImageCache
    private let maps: AttentionMaps

    public init(_ settings: PreTrainingSettings, _ compiler: RunCompiler, _ output: TrainingOutput) throws {
        (self.settings, self.output) = (settings, output)
        let images = try ImageFolder(root: DataPart.folder("train", of: settings.data))
        configuration = try settings.configuration(classes: images.classes.count)
        metrics =
            [.loss, TrainingMetric("reconstruction_loss", short: "rec")]
            + (configuration.method == .mae ? [] : [TrainingMetric("classification_loss", short: "cls"), .accuracy])
        model = try MaskedAutoencoder(configuration)
        cache = try RunImageCache(settings)
        loader = try ImageLoader(
            training: images, settings, configuration, variant: settings.variant, cache: cache.cache,
            share: compiler.share)
        for error in loader.skipped { output.say("skipped \(error)") }
        for remark in loader.remarks { output.say(remark) }
        if loader.classes.count == 1, configuration.method != .mae {
            output.say(
                "there is only one class, '\(loader.classes[0].inOneLine)': its classification loss is 0, and only the"
                    + " reconstruction is learned")
        }
        identity = DataIdentity(classes: loader.classes, paths: loader.items.map(\.path), root: images.root)
        maps = AttentionMaps(model, loader, compiler, output)
        cache.warn(output)
    }

    public var batchesPerEpoch: Int { loader.batchCount(dropLast: true) }

    public func phase(ofEpoch epoch: Int) -> Masking? { settings.masking(inEpoch: epoch) }

    public func trainingStep(_ masking: Masking?) -> TrainingStep {
        model.preTraining(batch: loader.batchSize, masking: masking ?? .random, optimizer: settings.optimizer)
    }

    public func initialize(_ state: ProgramState) throws {
        try InitialWeights(settings)?.load(into: state, configuration).forEach(output.say)
    }

    public func batches(ofEpoch epoch: Int, startingAtBatch batch: Int) throws -> EpochBatches {
        try loader.epoch(
            epoch, startingAtBatch: batch, maps: settings.masking(inEpoch: epoch) == .attention ? maps.maps : nil,
            dropLast: true)
    }

    public func names(of batch: Batch) -> [String] { batch.indices.map { loader.items[$0].path } }

    public func inputs(_ batch: Batch, at place: BatchPlace) throws -> [String: TensorData] {
        var inputs = [
            "images": try batch.images(filledUpTo: batch.count, configuration),
            "labels": try TensorData(batch.labels), "random_key": try place.key(for: .masking),
        ]
        if let maps = batch.maps {
            inputs["mask_weights"] = try TensorData(maps, shape: [batch.count, configuration.tokens])
        }
        return inputs
    }

    /// Says and logs what losses are easy to reach.
    public func begin() throws -> [(String, RunLog.Value)] {
        let baseline = try meanPatchBaseline(loader, configuration),
            chance = Foundation.log(Double(loader.classes.count))
        output.say(
            "\(loader.items.count) images in \(loader.classes.count) classes: "
                + loader.classes.joined(separator: ", ").inOneLine
        )
        output.say(
            String(
                format: "mean-patch baseline: reconstruction loss %.4f; chance: classification loss %.4f", baseline,
                chance))
        return [
            ("images", .integer(loader.items.count)), ("mean_patch_baseline", .number(baseline)),
            ("chance_loss", .number(chance)),
        ]
    }

    public func betweenEpochs(_ session: TrainingSession) throws -> TrainingDecision {
        cache.warn(output)
        // A run that goes on from a checkpoint of the public code has none yet.
        let hasNone =
            maps.maps == nil && session.epoch < settings.epochs
            && settings.masking(inEpoch: session.epoch) == .attention
        guard hasNone || settings.refreshesMaps(beforeEpoch: session.epoch) else { return .goOn }
        return try maps.refresh(session) ? .goOn : .interrupted
    }

    public var savedTensors: [SafetensorsWriter.Tensor] { maps.savedTensors }
    public var savedMetadata: [String: String] { maps.savedMetadata }
    public func restore(from file: SafetensorsFile) throws { try maps.restore(from: file) }
}

extension ImageLoader {
    /// Reads a share of the images for a run's training: random crops, mirrored every second time.
    convenience init(
        training images: ImageFolder, _ settings: some ModelSettings, _ configuration: Configuration,
        variant: Configuration.Variant, cache: ImageCache?, share: DataShare
    ) throws(DataError) {
        let maps: MapCrop = variant == .released ? .released : .region
        try self.init(
            folder: images, batchSize: share.part(of: settings.batch), imageSize: configuration.image,
            augmentation: .training(maps: maps),
            seed: UInt64(settings.seed), threads: settings.readers, skipUnreadable: settings.skipUnreadable,
            mapGrid: configuration.grid,
            decoder: settings.decoder, imageCache: cache, share: share)
    }
}
