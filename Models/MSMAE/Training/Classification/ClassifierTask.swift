import Apus
import Foundation

/// Trains a classifier: validation after each epoch, the best weights kept beside the last ones, early stopping, and an
/// evaluation of both at the end.
public final class ClassifierTask<Settings: ClassifierSettings>: ConfiguredTask {
    public let configuration: Configuration
    public let identity: DataIdentity
    public let metrics = [TrainingMetric.loss, .accuracy]

    private let settings: Settings
    private let output: TrainingOutput
    private let model: MaskedAutoencoder
    private let loader: ImageLoader
    private let cache: RunImageCache
    private let maps: AttentionMaps
    /// Of the images that validation sees, and of those that only the end of the run sees: DATA/test, or the same where
    /// there is none.
    private let validator: Evaluator, tester: Evaluator
    /// The epoch, counted from 0, that did best in validation so far.
    private var best: BestEpoch?
    /// Epochs at whose ends validation has taken place.
    private var validatedEpochs = 0

    public init(_ settings: Settings, _ compiler: RunCompiler, _ output: TrainingOutput) throws {
        (self.settings, self.output) = (settings, output)
        let images = try ImageFolder(root: DataPart.folder("train", of: settings.data))
        configuration = try settings.configuration(classes: images.classes.count)
        model = try MaskedAutoencoder(configuration)
        cache = try RunImageCache(settings)
        loader = try ImageLoader(
            training: images, settings, configuration, variant: settings.variant, cache: cache.cache,
            share: compiler.share)
        for error in loader.skipped { output.say("skipped \(error)") }
        for remark in loader.remarks { output.say(remark) }
        if loader.classes.count == 1 {
            output.say(
                "there is only one class, '\(loader.classes[0].inOneLine)': any model has an accuracy of 1, and nothing is learned"
            )
        }
        identity = DataIdentity(classes: loader.classes, paths: loader.items.map(\.path), root: images.root)
        maps = AttentionMaps(model, loader, compiler, output)
        let parts = try EvaluationImages.parts(
            of: settings, classes: images.classes, imageSize: configuration.image, cache: cache,
            share: compiler.share, output)
        for error in parts.flatMap(\.loader.skipped) { output.say("skipped \(error)") }
        for remark in parts.flatMap(\.loader.remarks) { output.say(remark) }
        validator = Evaluator(model, settings, parts[0], seed: settings.seed, compiler)
        cache.warn(output)
        tester = parts.count > 1 ? Evaluator(model, settings, parts[1], seed: settings.seed, compiler) : validator
    }

    // MARK: - Training

    public var batchesPerEpoch: Int { loader.batchCount(dropLast: true) }

    public func phase(ofEpoch epoch: Int) -> Masking? { settings.masking(inEpoch: epoch) }

    public func trainingStep(_ masking: Masking?) -> TrainingStep {
        settings.trainingStep(of: model, batch: loader.batchSize)
    }

    public func learningRateScale(of weight: String) -> Double { settings.learningRateScale(of: weight, in: model) }

    public func initialize(_ state: ProgramState) throws {
        guard let weights = try InitialWeights(settings) else { return output.say("initial weights are random") }
        try weights.load(into: state, configuration).forEach(output.say)
    }

    public func batches(ofEpoch epoch: Int, startingAtBatch batch: Int) throws -> EpochBatches {
        try loader.epoch(epoch, startingAtBatch: batch, maps: maps.maps, dropLast: true)
    }

    public func names(of batch: Batch) -> [String] { batch.indices.map { loader.items[$0].path } }

    public func inputs(_ batch: Batch, at place: BatchPlace) throws -> [String: TensorData] {
        var batch = batch
        if let mixup = settings.mixup, mixup.isOn {
            batch = try mixup.mixed(
                batch, classes: configuration.classes, seed: UInt64(settings.seed), epoch: place.step,
                number: place.index)
        }
        var inputs = [
            "images": try batch.images(filledUpTo: batch.count, configuration),
            "labels": try TensorData(batch.labels), "random_key": try place.key(for: .masking),
        ]
        if let targets = batch.targets {
            inputs["targets"] = try TensorData(targets, shape: [batch.count, configuration.classes])
        }
        if let maps = batch.maps {
            inputs["mask_weights"] = try TensorData(maps, shape: [batch.count, configuration.tokens])
        }
        return inputs
    }

    // MARK: - Validation

    public func begin() throws -> [(String, RunLog.Value)] {
        let count = validator.images.loader.items.count, tested = tester.images.loader.items.count
        output.say(
            "\(loader.items.count) images to train on, \(count) for validation"
                + (tester === validator ? "" : " and \(tested) for testing")
                + " in \(loader.classes.count) classes: " + loader.classes.joined(separator: ", ").inOneLine)
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
        // A run that goes on from a checkpoint of the public code has none yet.
        let hasNone =
            maps.maps == nil && session.epoch < settings.epochs
            && settings.masking(inEpoch: session.epoch) == .attention
        guard hasNone || settings.refreshesMaps(beforeEpoch: session.epoch) else { return .goOn }
        return try maps.refresh(session) ? .goOn : .interrupted
    }

    /// Validates the epoch that has just ended, and keeps its weights if they are the best; false if it was asked to
    /// stop meanwhile.
    private func validate(_ session: TrainingSession) throws -> Bool {
        let epoch = session.epoch - 1
        guard let evaluations = try evaluations(session.state, validator, session) else { return false }
        for evaluation in evaluations {
            try session.log(
                [("event", .text("validation")), ("epoch", .integer(epoch)), ("step", .integer(session.step))]
                    + evaluation.logFields)
        }
        output.say("epoch \(epoch + 1): validation" + evaluations.map { "  \($0.line)" }.joined(separator: ";"))
        validatedEpochs = session.epoch
        let candidate = BestEpoch(epoch: epoch, score: evaluations[0].metrics.accuracy, loss: evaluations[0].loss)
        if best.map({ candidate.isBetter(than: $0) }) ?? true {
            best = candidate
            try session.saveBest()
        }
        return true
    }

    public func finish(_ session: TrainingSession, means: [String: Double]) throws -> [String: Double]? {
        guard let last = try evaluations(session.state, tester, session) else { return nil }
        var results = [("last", epoch: session.epoch - 1, last)]
        if let best, best.epoch == session.epoch - 1 {
            results.append(("best", best.epoch, last))
        } else if let best {
            let path = session.folder.bestPath
            let state = try tester.state { try $1.load($0, from: SafetensorsFile(contentsOf: path), averaged: true) }
            guard let evaluations = try evaluations(state, tester, session) else { return nil }
            results.append(("best", best.epoch, evaluations))
        }

        let images = tester.images, path = session.folder.path
        var report = EvaluationReport(
            task: Settings.kind.rawValue, classes: loader.classes, images: images.loader.items.count, part: images.part)
        for (checkpoint, epoch, evaluations) in results {
            for evaluation in evaluations {
                report.add(evaluation, try tester.cost(evaluation.path), checkpoint: checkpoint, epoch: epoch)
            }
        }
        for evaluation in last {
            try evaluation.writePredictions(to: "\(path)/predictions-\(evaluation.path.rawValue).csv", images)
        }
        try last.first?.writeFeatures(to: path + "/features.safetensors")
        // The last one: an experiment takes a run that has it for finished.
        try report.write(to: path + "/evaluation.json")
        output.say(report.text)
        return report.numbers
    }

    /// Looks at images on all paths; nil if it was asked to stop meanwhile.
    private func evaluations(_ state: ProgramState, _ evaluator: Evaluator, _ session: TrainingSession) throws
        -> [Evaluation]?
    {
        var evaluations: [Evaluation] = []
        for path in settings.paths {
            guard let evaluation = try evaluator.evaluate(state, path, shouldStop: session.shouldStop) else {
                return nil
            }
            evaluations.append(evaluation)
        }
        return evaluations
    }

    // MARK: - Checkpoints

    public var savedTensors: [SafetensorsWriter.Tensor] { maps.savedTensors }

    public var savedMetadata: [String: String] {
        var metadata = maps.savedMetadata
        metadata["validated_epochs"] = String(validatedEpochs)
        return best.map { metadata.merging($0.metadata) { $1 } } ?? metadata
    }

    public func restore(from file: SafetensorsFile) throws {
        try maps.restore(from: file)
        best = BestEpoch(file.metadata)
        guard let epochs = file.metadata["validated_epochs"].flatMap({ Int($0) }), (epochs > 0) == (best != nil) else {
            throw RunError.foreignCheckpoint(path: file.path, reason: "its metadata does not say how validation went")
        }
        validatedEpochs = epochs
    }
}
