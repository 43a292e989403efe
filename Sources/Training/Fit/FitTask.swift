import ApusIR
import ApusLayers
import ApusRuntime

/// Training of any step on any data, as a task of the ``Trainer``.
final class FitTask<Data: DataSource>: TrainingTask {
    typealias Settings = FitSettings
    typealias Phase = SinglePhase

    let identity: DataIdentity
    let batchesPerEpoch: Int
    let metrics: [TrainingMetric]
    private(set) var best: BestEpoch?

    private let step: TrainingStep, data: Data, settings: FitSettings
    /// Taken once: a source that grows or shrinks during a run changes nothing in what is drawn from it.
    private let count: Int
    private let schedule: LearningRateSchedule?
    private let validation: Validation?
    private let measured: CompiledStep?
    private let output: TrainingOutput
    /// The epoch that was validated last, so that a run which goes on does not repeat it.
    private var validatedEpoch = 0

    init(
        _ step: TrainingStep, _ layout: FitLayout, _ data: Data, _ settings: FitSettings,
        _ schedule: LearningRateSchedule?, _ validation: Validation?, _ compiler: RunCompiler, _ output: TrainingOutput
    ) throws {
        (self.step, self.data, self.settings, self.schedule) = (step, data, settings, schedule)
        (self.validation, self.output) = (validation, output)
        count = data.count
        guard count >= layout.batch else {
            throw DataSourceError.tooFew(samples: count, batch: layout.batch, step: step.name)
        }
        identity = DataIdentity(classes: [], images: "\(count) samples")
        batchesPerEpoch = count / layout.batch
        metrics = [.loss] + layout.metrics.map { TrainingMetric($0, short: $0) }
        measured = try validation.map { try compiler.compile("the validation", $0.step) }
    }

    func trainingStep(_: SinglePhase) -> TrainingStep { step }

    func learningRate(atEpoch epoch: Double) -> Double? {
        schedule?.rate(atEpoch: epoch) ?? step.optimizer.learningRate
    }

    func batches(ofEpoch epoch: Int, startingAtBatch first: Int) -> FitBatches<Data> {
        FitBatches(data, count: count, seed: settings.seed, epoch: epoch, size: settings.batch, next: first)
    }

    func names(of batch: FitBatches<Data>.Batch) -> [String] { batch.samples.map(data.name) }

    func inputs(_ batch: FitBatches<Data>.Batch, at place: BatchPlace) -> [String: TensorData] { batch.tensors }

    func betweenEpochs(_ session: TrainingSession) throws -> TrainingDecision {
        guard let validation, let measured, session.epoch > 0 else { return .goOn }
        if session.epoch > validatedEpoch {
            let score = try score(validation, measured, session.state)
            validatedEpoch = session.epoch
            let epoch = BestEpoch(epoch: session.epoch - 1, score: score, loss: 0)
            let isBetter = best.map { epoch.isBetter(than: $0) } ?? true
            output.say(
                "epoch \(session.epoch): validation \(score.shortText)"
                    + (isBetter ? ", the best so far" : best.map { "; the best \($0.score.shortText)" } ?? ""))
            try session.log([
                ("event", .text("validation")), ("step", .integer(session.step)), ("epoch", .integer(session.epoch)),
                ("score", .number(score)),
            ])
            if isBetter {
                best = epoch
                try session.saveBest()
            }
        }
        if let patience = settings.patience, let best, session.epoch - 1 - best.epoch >= patience {
            output.say("no better validation for \(patience) epochs: training ends here")
            return .finished
        }
        return .goOn
    }

    /// What the model makes of all samples, batch by batch.
    private func score(_ validation: Validation, _ program: CompiledStep, _ state: ProgramState) throws -> Double {
        try program.addParameters(to: state, seed: settings.seed)
        let data = validation.data, count = data.count
        guard count > 0 else { throw DataSourceError.noSamples("those of the validation") }
        let all = try data.batch(Array(0..<count), epoch: 0)
        return try validation.score(program.predict(state.averaged(program.program.parameters), all))
    }

    var savedMetadata: [String: String] {
        ["validated_epoch": String(validatedEpoch)].merging(best?.metadata ?? [:]) { $1 }
    }

    func restore(from file: SafetensorsFile) {
        validatedEpoch = file.metadata["validated_epoch"].flatMap { Int($0) } ?? 0
        best = BestEpoch(file.metadata)
    }
}

/// The batches of an epoch: a permutation of the samples that follows from seed and epoch.
final class FitBatches<Data: DataSource>: BatchSource {
    struct Batch {
        let samples: [Int]
        let tensors: [String: TensorData]
    }

    private let data: Data, epoch: Int, size: Int
    private let order: [Int]
    private var number: Int

    init(_ data: Data, count: Int, seed: Int, epoch: Int, size: Int, next: Int) {
        (self.data, self.epoch, self.size, number) = (data, epoch, size, next)
        let key = (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
        let keys = (0..<count).map { sample -> UInt64 in
            let words = Philox.block(
                counter: (UInt32(truncatingIfNeeded: sample), UInt32(truncatingIfNeeded: epoch), 0, 0xF17), key: key)
            return UInt64(words.0) << 32 | UInt64(words.1)
        }
        order = keys.indices.sorted { (keys[$0], $0) < (keys[$1], $1) }
    }

    func next() throws -> Batch? {
        guard (number + 1) * size <= order.count else { return nil }
        let samples = Array(order[number * size..<(number + 1) * size])
        number += 1
        return Batch(samples: samples, tensors: try data.batch(samples, epoch: epoch))
    }

    func stop() {}
}
