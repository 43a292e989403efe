import Apus

/// Trains a segmentation: validation after each epoch, the best weights kept beside the last ones, early stopping, and
/// an evaluation of both at the end.
public final class SegmentationTask: ConfiguredTask {
    public typealias Settings = SegmentationSettings

    public let identity: DataIdentity
    public let metrics = [TrainingMetric.loss, TrainingMetric("iou", short: "IoU")]

    private let settings: SegmentationSettings
    private let output: TrainingOutput
    private let model: SegmentationModel
    private let loader: SegmentationLoader
    private let cache: RunImageCache
    private let evaluator: SegmentationEvaluator
    private var best: BestEpoch?
    /// Epochs at whose ends validation has taken place.
    private var validatedEpochs = 0

    public init(_ settings: SegmentationSettings, _ compiler: RunCompiler, _ output: TrainingOutput) throws {
        (self.settings, self.output) = (settings, output)
        let side = try settings.configuration(classes: 1).image
        cache = try RunImageCache(settings)
        loader = try settings.loader(
            settings.data, part: "train", augmentation: .training, batch: settings.batch, imageSize: side,
            cache: cache.cache, share: compiler.share)
        model = try settings.model(classes: loader.classes.count)
        identity = DataIdentity(classes: loader.classes, paths: loader.items.map(\.image), root: settings.data)
        let validation = try settings.loader(
            settings.data, part: "val", known: loader.classes, augmentation: .evaluation, batch: settings.batch,
            imageSize: side, cache: cache.cache, share: compiler.share)
        evaluator = SegmentationEvaluator(model, validation, compiler)
        cache.warn(output)
        for remark in loader.remarks + validation.remarks { output.say(remark) }
    }

    // MARK: - Training

    public var batchesPerEpoch: Int { loader.batchCount(dropLast: true) }

    public func phase(ofEpoch epoch: Int) -> Masking? { nil }

    public func trainingStep(_ masking: Masking?) -> TrainingStep {
        model.training(
            batch: loader.batchSize,
            optimizer: .adam(learningRate: settings.learningRate, weightDecay: settings.weightDecay))
    }

    public func initialize(_ state: ProgramState) throws {
        guard let weights = try InitialWeights(settings, encoder: SegmentationModel.encoderPrefix) else {
            return output.say("initial weights are random")
        }
        try weights.load(into: state, model.configuration.encoder).forEach(output.say)
    }

    public func batches(ofEpoch epoch: Int, startingAtBatch batch: Int) throws -> SegmentationBatches {
        try loader.epoch(epoch, startingAtBatch: batch, dropLast: true)
    }

    public func names(of batch: SegmentationBatch) -> [String] { batch.indices.map { loader.items[$0].image } }

    public func inputs(_ batch: SegmentationBatch, at place: BatchPlace) throws -> [String: TensorData] {
        let configuration = model.configuration, side = configuration.encoder.image
        return [
            "images": try batch.images.tensor(shape: [batch.count, configuration.encoder.channels, side, side]),
            "masks": try batch.masks.tensor(shape: [batch.count, configuration.classes, side, side]),
        ]
    }

    // MARK: - Validation

    public func begin() throws -> [(String, RunLog.Value)] {
        let count = evaluator.loader.items.count
        output.say(
            "\(loader.items.count) images to train on and \(count) for validation, with masks of \(loader.classes.joined(separator: ", ").inOneLine)"
        )
        return [("images", .integer(loader.items.count)), ("validation_images", .integer(count))]
    }

    public func betweenEpochs(_ session: TrainingSession) throws -> TrainingDecision {
        cache.warn(output)
        if session.epoch > validatedEpochs {
            guard try validate(session) else { return .interrupted }
        }
        if let patience = settings.patience, let best, session.epoch - 1 - best.epoch >= patience,
            session.epoch < settings.epochs
        {
            output.say("no better validation for \(patience) epochs: training ends here")
            return .finished
        }
        return .goOn
    }

    /// Validates the epoch that has just ended, and keeps its weights if they are the best; false if it was asked to
    /// stop meanwhile.
    private func validate(_ session: TrainingSession) throws -> Bool {
        let epoch = session.epoch - 1
        guard let (evaluation, _) = try evaluator.evaluate(session.state, shouldStop: session.shouldStop) else {
            return false
        }
        try session.log([
            ("event", .text("validation")), ("epoch", .integer(epoch)), ("step", .integer(session.step)),
            ("path", .text(EvaluationPath.all.rawValue)), ("loss", .number(evaluation.loss)),
            ("iou", .number(evaluation.iou)),
            ("f1", .number(evaluation.f1)), ("image_iou", .number(evaluation.imageIoU)),
            ("image_f1", .number(evaluation.imageF1)),
        ])
        output.say(
            "epoch \(epoch + 1): validation  "
                + String(format: "loss %.4f IoU %.4f F1 %.4f", evaluation.loss, evaluation.iou, evaluation.f1))
        validatedEpochs = session.epoch
        let candidate = BestEpoch(epoch: epoch, score: evaluation.iou, loss: evaluation.loss)
        if best.map({ candidate.isBetter(than: $0) }) ?? true {
            best = candidate
            try session.saveBest()
        }
        return true
    }

    public func finish(_ session: TrainingSession, means: [String: Double]) throws -> [String: Double]? {
        var report = SegmentationReport(classes: loader.classes, images: evaluator.loader.items.count)
        report.results += [try evaluator.result(session.state, checkpoint: "last", epoch: session.epoch - 1)]
            .compactMap(\.self)
        if let best {
            let isLast = best.epoch == session.epoch - 1
            let path = session.folder.bestPath
            let state =
                isLast
                ? session.state : try evaluator.state { try $1.load($0, from: SafetensorsFile(contentsOf: path)) }
            report.results += [try evaluator.result(state, checkpoint: "best", epoch: best.epoch)].compactMap(\.self)
        }
        try report.write(to: session.folder.path + "/evaluation.json")
        output.say(report.text)
        return report.numbers
    }

    // MARK: - Checkpoints

    public var savedTensors: [SafetensorsWriter.Tensor] { [] }

    public var savedMetadata: [String: String] {
        ["validated_epochs": String(validatedEpochs)].merging(best?.metadata ?? [:]) { $1 }
    }

    public func restore(from file: SafetensorsFile) throws {
        best = BestEpoch(file.metadata)
        guard let epochs = file.metadata["validated_epochs"].flatMap({ Int($0) }), (epochs > 0) == (best != nil) else {
            throw RunError.foreignCheckpoint(path: file.path, reason: "its metadata does not say how validation went")
        }
        validatedEpochs = epochs
    }
}
