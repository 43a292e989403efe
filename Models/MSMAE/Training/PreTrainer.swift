import Apus
import Foundation

/// Pre-trains a model on a folder of images, through both phases of masking, with checkpoints.
///
/// What comes out depends on the images and the settings alone: not on the threads, and not on where the run was stopped and
/// gone on with.
public final class PreTrainer {
    /// How a run has ended.
    public enum Outcome: Hashable, Sendable {
        case finished
        /// It was asked to stop, and has saved a checkpoint.
        case stopped
    }

    /// The weights and the optimizer's state.
    public let state = ProgramState()
    /// The model that is trained.
    public let configuration: Configuration
    /// The attention maps in use, [images, grid, grid].
    public private(set) var maps: [Float]?

    private let settings: PreTrainingSettings
    private let loader: ImageLoader
    private let imagesIdentity: String
    private let folder: RunFolder
    private let log: RunLog
    private let output: TrainingOutput
    private let programs: PreTrainingPrograms
    private let shouldStop: (_ step: Int) -> Bool
    private var position = TrainingPosition()
    private var speed = Speed()
    /// Mean losses of the last whole epoch.
    private var lastMeans: [Double] = []

    /// Prepares a run: reads the folder of images, compiles the first program, and loads the checkpoint if there is one.
    ///
    /// Nothing is written before all of that has worked. `shouldStop` is asked before each step, which is counted from 0 and over
    /// all epochs, and may end the run there with a checkpoint.
    public init(
        _ plan: PreTrainingPlan, output: TrainingOutput = .standard, shouldStop: @escaping (_ step: Int) -> Bool = { _ in Interrupt.requested }
    ) throws {
        settings = plan.settings
        self.output = output
        self.shouldStop = shouldStop
        let images = try ImageFolder(root: settings.data + "/train")
        configuration = try settings.configuration(classes: images.classes.count)
        let model = try MaskedAutoencoder(configuration)
        loader = try ImageLoader(
            folder: images, batchSize: settings.batch, imageSize: configuration.image, augmentation: .training(), seed: UInt64(settings.seed),
            threads: settings.threads ?? ProcessInfo.processInfo.activeProcessorCount, skipUnreadable: settings.skipUnreadable,
            mapGrid: configuration.grid)
        for error in loader.skipped { output.say("skipped \(error)") }
        imagesIdentity = PreTrainingCheckpoint.imagesIdentity(loader.items, root: images.root)
        guard loader.batchCount(dropLast: true) >= settings.accumulation else {
            throw PreTrainingError.tooFewBatches(batches: loader.batchCount(dropLast: true), accumulation: settings.accumulation)
        }
        programs = try PreTrainingPrograms(model, settings, output)
        try Self.load(plan.checkpoint, programs, loader, imagesIdentity, settings, into: state, &position, &maps)
        folder = try plan.makeFolder()
        log = try RunLog(path: folder.logPath)
        try log.truncate(after: plan.checkpoint == nil ? -1 : position.step)
        if plan.checkpoint == nil { try begin() } else { output.say("going on from epoch \(position.epoch), step \(position.step)") }
    }

    /// Trains to the end, or until it is asked to stop.
    public func run() throws -> Outcome {
        guard try refreshMaps() else { return try stop() }
        while position.epoch < settings.epochs {
            guard try trainEpoch() else { return try stop() }
            lastMeans = position.totals.means
            try logMetrics("epoch", lastMeans)
            let finished = position.epoch + 1
            position = TrainingPosition(epoch: finished, step: position.step, mapsEpoch: position.mapsEpoch)
            guard try refreshMaps() else { return try stop() }
            if finished % settings.checkpointInterval == 0 || finished == settings.epochs { try save() }
        }
        let means = zip(MetricTotals.metrics, lastMeans).map { "  \($0.short) \(String(format: "%.4f", $1))" }
        output.say("finished \(settings.epochs) epochs" + (means.isEmpty ? "" : "; means of the last one:\(means.joined())"))
        return .finished
    }

    // MARK: - Training

    /// Updates of the weights in each epoch.
    private var stepsPerEpoch: Int { loader.batchCount(dropLast: true) / settings.accumulation }
    private var masking: Masking { settings.masking(inEpoch: position.epoch) }

    /// Trains to the end of the epoch; false if it was asked to stop before.
    private func trainEpoch() throws -> Bool {
        let training = try programs.training(masking)
        for program in [training.accumulate, training.update] { try program?.addParameters(to: state, seed: settings.seed) }
        let batches = try loader.epoch(
            position.epoch, startingAtBatch: position.stepInEpoch * settings.accumulation, maps: masking == .attention ? maps : nil,
            dropLast: true)
        defer { batches.stop() }
        while position.stepInEpoch < stepsPerEpoch {
            if shouldStop(position.step) { return false }
            let (metrics, seconds) = try Clock.time { try step(batches, training) }
            guard metrics.allSatisfy(\.isFinite) else {
                throw PreTrainingError.lossNotFinite(epoch: position.epoch, step: position.step, checkpoint: try folder.checkpoints().last?.path)
            }
            speed.add(images: settings.effectiveBatch, seconds: seconds, masking: masking)
            let rate = learningRate
            position.totals.add(metrics)
            position.stepInEpoch += 1
            position.step += 1
            show(metrics)
            if position.step % settings.logInterval == 0 { try logMetrics("step", metrics, learningRate: rate) }
        }
        return true
    }

    /// One update of the weights, from as many batches as it takes; returns the means of the metrics.
    private func step(_ batches: EpochBatches, _ training: PreTrainingPrograms.Update) throws -> [Double] {
        var totals = MetricTotals()
        for number in 1...settings.accumulation {
            guard let batch = try batches.next() else { preconditionFailure("an epoch has the batches that it was counted to have") }
            let isLast = number == settings.accumulation
            let program = isLast ? training.update : training.accumulate ?? training.update
            let report = try program.run(state, inputs(batch, number: number), learningRate: isLast ? learningRate : nil)
            totals.add(report.metrics)
        }
        return totals.means
    }

    private func inputs(_ batch: Batch, number: Int) -> [String: TensorData] {
        var random = CounterRandom(
            seed: UInt64(settings.seed), epoch: position.step, index: number, purpose: .masking)
        let key = (0..<2).map { _ in Int32(truncatingIfNeeded: random.next()) }
        var inputs = [
            "images": TensorData(batch.images, shape: [batch.count, configuration.channels, configuration.image, configuration.image]),
            "labels": TensorData(batch.labels), "random_key": TensorData(key),
        ]
        if let maps = batch.maps { inputs["mask_weights"] = TensorData(maps, shape: [batch.count, configuration.tokens]) }
        return inputs
    }

    /// The rate for the step that comes next: it follows the batches of the epoch, those left over at its end included.
    private var learningRate: Double {
        let part = Double(position.stepInEpoch * settings.accumulation) / Double(loader.batchCount(dropLast: true))
        return settings.schedule.rate(atEpoch: Double(position.epoch) + part)
    }

    /// Computes the attention maps anew if that is due before the current epoch; false if it was asked to stop meanwhile.
    private func refreshMaps() throws -> Bool {
        guard settings.refreshesMaps(beforeEpoch: position.epoch), position.stepInEpoch == 0, position.mapsEpoch != position.epoch else {
            return true
        }
        let program = try programs.attentionMap()
        try program.addParameters(to: state, seed: settings.seed)
        let (refreshed, seconds) = try Clock.time {
            try attentionMaps(of: loader, program, state, configuration) { shouldStop(position.step) }
        }
        guard let refreshed else { return false }
        maps = refreshed
        position.mapsEpoch = position.epoch
        output.say("computed the attention maps of \(loader.items.count) images in \(String(format: "%.1f", seconds)) s")
        return true
    }

    // MARK: - Reports

    /// Says and logs what is trained, and what losses are easy to reach.
    private func begin() throws {
        let baseline = try meanPatchBaseline(loader, configuration), chance = Foundation.log(Double(loader.classes.count))
        output.say("\(loader.items.count) images in \(loader.classes.count) classes: \(loader.classes.joined(separator: ", "))")
        output.say(String(format: "mean-patch baseline: reconstruction loss %.4f; chance: classification loss %.4f", baseline, chance))
        try log.append([
            ("event", .text("start")), ("step", .integer(0)), ("images", .integer(loader.items.count)),
            ("classes", .integer(loader.classes.count)), ("mean_patch_baseline", .number(baseline)), ("chance_loss", .number(chance)),
        ])
    }

    private func show(_ metrics: [Double]) {
        let stepsLeft = settings.epochs * stepsPerEpoch - position.step
        output.show(TrainingProgress(
            epoch: position.epoch + 1, of: settings.epochs, step: position.stepInEpoch, of: stepsPerEpoch,
            values: zip(MetricTotals.metrics, metrics).map { ($0.short, $1) },
            images: speed.images, seconds: speed.seconds, imagesLeft: stepsLeft * settings.effectiveBatch))
    }

    private func logMetrics(_ event: String, _ metrics: [Double], learningRate rate: Double? = nil) throws(FileError) {
        var fields: [(String, RunLog.Value)] = [
            ("event", .text(event)), ("epoch", .integer(position.epoch)), ("step", .integer(position.step)),
        ]
        fields += zip(MetricTotals.metrics, metrics).map { ($0.output, .number($1)) }
        fields += [
            ("lr", .number(rate ?? learningRate)), ("images_per_s", .number(speed.imagesPerSecond)), ("seconds", .number(speed.total)),
            ("masking", .text(masking.rawValue)),
        ]
        try log.append(fields)
    }

    // MARK: - Checkpoints

    private func stop() throws -> Outcome {
        try save()
        output.say("stopped after step \(position.step); go on with --resume \(folder.path)")
        return .stopped
    }

    private func save() throws {
        if let name = try state.firstNotFinite() {
            throw PreTrainingError.weightNotFinite(
                name: name, epoch: position.epoch, step: position.step, checkpoint: try folder.checkpoints().last?.path)
        }
        let checkpoint = PreTrainingCheckpoint(settings: settings, classes: loader.classes, images: imagesIdentity, position: position)
        let maps = maps.map { maps in
            SafetensorsWriter.Tensor(
                PreTrainingCheckpoint.mapsName, [loader.items.count, configuration.grid, configuration.grid], floats: maps)
        }
        try state.withTensors(state.savedNames[...]) { tensors in
            try folder.saveCheckpoint(
                step: position.step, metadata: checkpoint.metadata, tensors: tensors + [maps].compactMap { $0 },
                keeping: settings.keptCheckpoints)
        }
    }

    /// Makes the state, and fills it from a checkpoint after making sure that it belongs to these images and this model.
    private static func load(
        _ file: SafetensorsFile?, _ programs: PreTrainingPrograms, _ loader: ImageLoader, _ imagesIdentity: String,
        _ settings: PreTrainingSettings, into state: ProgramState, _ position: inout TrainingPosition, _ maps: inout [Float]?
    ) throws {
        let checkpoint = try file.map { try PreTrainingCheckpoint($0) }
        if let checkpoint {
            guard checkpoint.classes == loader.classes else {
                throw PreTrainingError.otherImages(
                    data: settings.data, then: "the classes \(checkpoint.classes.joined(separator: ", "))",
                    now: loader.classes.joined(separator: ", "))
            }
            guard checkpoint.images == imagesIdentity else {
                throw PreTrainingError.otherImages(data: settings.data, then: checkpoint.images, now: imagesIdentity)
            }
            position = checkpoint.position
        }
        let program = try programs.training(settings.masking(inEpoch: min(position.epoch, settings.epochs - 1))).update
        try program.addParameters(to: state, seed: settings.seed)
        guard let file else { return }
        try state.load(program.program.parameters, from: file)
        state.step = position.step
        guard position.mapsEpoch != nil else { return }
        let shape = [loader.items.count, loader.mapGrid ?? 0, loader.mapGrid ?? 0]
        guard file.contains(PreTrainingCheckpoint.mapsName), try file.shape(PreTrainingCheckpoint.mapsName) == shape else {
            throw PreTrainingError.unfitCheckpoint(path: file.path, problems: ["the attention maps are missing or not of the shape \(shape)"])
        }
        maps = try file.floats(PreTrainingCheckpoint.mapsName)
    }
}

extension CounterRandom.Purpose {
    /// The key of the masks of one batch.
    static let masking = CounterRandom.Purpose(rawValue: 16)
}

/// How fast the current phase trains.
private struct Speed {
    private(set) var images = 0
    private(set) var seconds = 0.0
    /// Seconds of training in all phases since the process began.
    private(set) var total = 0.0
    private var masking: Masking?

    var imagesPerSecond: Double { seconds > 0 ? Double(images) / seconds : 0 }

    mutating func add(images count: Int, seconds duration: Double, masking: Masking) {
        if masking != self.masking { (images, seconds, self.masking) = (0, 0, masking) }
        images += count
        seconds += duration
        total += duration
    }
}
