import ApusIR
import ApusLayers
import ApusRuntime

/// Training of any step on any data, as a task of the ``Trainer``.
final class FitTask: TrainingTask {
    typealias Settings = FitSettings
    typealias Phase = SinglePhase

    let identity: DataIdentity
    let batchesPerEpoch: Int
    let metrics: [TrainingMetric]
    private(set) var best: BestEpoch?

    private let step: TrainingStep, data: any DataSource, settings: FitSettings
    private let ranks: TrainingRanks
    /// Taken once: a source that grows or shrinks during a run changes nothing in what is drawn from it.
    private let count: Int
    private let givenSchedule: LearningRateSchedule?
    /// The same, with what a plateau has seen of the epochs.
    private var schedule: LearningRateSchedule?
    private let validation: Validation?
    private let measured: CompiledStep?
    /// The names of what the model keeps, in training and in the validation.
    private let weights: Set<String>
    private let output: TrainingOutput
    private let model: ModelDescription
    /// Whether a run may go on with another model, and which difference has been said.
    private let allowsChanges: Bool
    private var saidDifference: String?
    /// The epoch that was measured last, so that a run which goes on does not repeat it.
    private var measuredEpoch = 0

    init(
        _ step: TrainingStep, _ layout: FitLayout, _ data: any DataSource, _ settings: FitSettings,
        _ schedule: LearningRateSchedule?, _ validation: Validation?, _ compiler: RunCompiler, _ output: TrainingOutput,
        _ allowsChanges: Bool
    ) throws {
        (model, self.allowsChanges) = (layout.model, allowsChanges)
        (self.step, self.data, self.settings, self.schedule) = (step, data, settings, schedule)
        (givenSchedule, self.validation, self.output) = (schedule, validation, output)
        count = data.count
        ranks = compiler.ranks
        guard count >= settings.batch else {
            throw DataSourceError.tooFew(samples: count, batch: settings.batch, step: step.name)
        }
        identity = data.identity ?? DataIdentity(classes: [], images: "\(count) samples")
        batchesPerEpoch = count / settings.batch
        metrics = [.loss] + layout.metrics.map { TrainingMetric($0, short: $0) }
        measured = try validation.map { try compiler.compile("the validation", $0.step) }
        weights = layout.weights.union(measured?.program.parameters.map(\.name) ?? [])
    }

    func trainingStep(_: SinglePhase) -> TrainingStep { step }

    func learningRate(atEpoch epoch: Double) -> Double? {
        schedule?.rate(atEpoch: epoch) ?? step.optimizer.learningRate
    }

    /// A run, and the search for what went wrong in one, begins without anything measured.
    func initialize(_ state: ProgramState) { (measuredEpoch, best, schedule) = (0, nil, givenSchedule) }

    func batches(ofEpoch epoch: Int, startingAtBatch first: Int) -> FitBatches {
        FitBatches(
            data, order: FitBatches.order(count, seed: settings.seed, epoch: epoch),
            size: settings.batch / ranks.shares,
            epoch: epoch, startingAt: first, own: ranks.ownShares, of: ranks.shares, threads: settings.loaderThreads)
    }

    func names(of batch: FitBatches.Batch) -> [String] { batch.samples.map(data.name) }

    func inputs(_ batch: FitBatches.Batch, at place: BatchPlace) -> [String: TensorData] { batch.tensors }

    func betweenEpochs(_ session: TrainingSession) throws -> TrainingDecision {
        guard session.epoch > 0 else { return .goOn }
        if session.epoch > measuredEpoch {
            let score = try validated(session)
            measuredEpoch = session.epoch
            if let measure = score ?? session.means[TrainingMetric.loss.output] { follow(measure, session) }
        }
        if let patience = settings.patience, let best, session.epoch - 1 - best.epoch >= patience {
            output.say("no better validation for \(patience) epochs: training ends here")
            return .finished
        }
        return .goOn
    }

    /// Lets a plateau see what the epoch has measured.
    private func follow(_ measure: Double, _ session: TrainingSession) {
        guard let before = schedule?.plateau?.rate else { return }
        schedule?.record(measure, ofEpoch: session.epoch - 1)
        if let rate = schedule?.plateau?.rate, rate != before {
            output.say("epoch \(session.epoch): nothing better for a while, the learning rate falls to \(rate)")
        }
    }

    /// Measures the epoch that has ended, and keeps its weights if they are the best; nil without a validation.
    private func validated(_ session: TrainingSession) throws -> Double? {
        guard let validation, let measured else { return nil }
        let score = try score(validation, measured, session.state)
        let isBetter = validation.isBetter(score, than: best?.score)
        output.say(
            "epoch \(session.epoch): validation \(score.shortText)"
                + (isBetter ? ", the best so far" : best.map { "; the best \($0.score.shortText)" } ?? ""))
        try session.log([
            ("event", .text("validation")), ("step", .integer(session.step)), ("epoch", .integer(session.epoch)),
            ("score", .number(score)),
        ])
        if isBetter {
            best = BestEpoch(epoch: session.epoch - 1, score: score, loss: 0)
            try session.saveBest()
        }
        return score
    }

    /// What the model makes of all samples, batch by batch, of which each rank computes every so many.
    private func score(_ validation: Validation, _ program: CompiledStep, _ state: ProgramState) throws -> Double {
        let count = validation.data.count
        let own = try ranks.together("the validation") { () -> (places: [Int], rows: [String: [UInt8]])? in
            try program.addParameters(to: state, seed: settings.seed)
            guard count > 0 else { throw DataSourceError.noSamples("those of the validation") }
            let batches = FitBatches(
                validation.data, order: Array(0..<count),
                size: program.program.inputs.first?.type.shape.first ?? count, epoch: 0, own: ranks.ownShares,
                of: ranks.shares, keepsRest: true, threads: settings.loaderThreads)
            defer { batches.stop() }
            let state = try state.averaged(program.program.parameters)
            var places: [Int] = [], rows: [String: [UInt8]] = [:]
            while let batch = try batches.next() {
                places += batch.samples
                for (name, data) in try program.predict(state, batch.tensors) {
                    data.withBytes { rows[name, default: []] += $0 }
                }
            }
            return (places, rows)
        }
        guard let own else { return .nan }
        var outputs: [String: TensorData] = [:]
        for output in program.program.outputs {
            let type = output.type.with(shape: [count] + output.type.shape.dropFirst())
            let rows = try ranks.gathered(
                own.rows[output.name] ?? [], at: own.places, of: count, width: type.byteCount / count)
            outputs[output.name] = rows.withUnsafeBytes { TensorData(type: type, copying: $0.baseAddress!) }
        }
        return try validation.score(outputs)
    }

    var savedMetadata: [String: String] {
        ["validated_epoch": String(measuredEpoch)].merging(best?.metadata ?? [:]) { $1 }
            .merging(schedule?.plateau?.metadata ?? [:]) { $1 }.merging(model.metadata) { $1 }
    }

    /// Refuses a checkpoint of another model, or says what is different.
    private func compareModel(with file: SafetensorsFile) throws {
        guard let difference = try ModelDescription(file).flatMap(model.difference) else { return }
        guard allowsChanges else { throw FitError.otherModel(difference) }
        guard saidDifference != difference else { return }
        saidDifference = difference
        output.warn("the run goes on with another model: in the model of \(file.path), \(difference)")
    }

    func restore(from file: SafetensorsFile) throws {
        // What the model has and the file lacks is found before; what is left over is of a model that was another one.
        let others = file.names.filter { name in
            !weights.contains(name) && !Parameter.prefixesOfRuns.contains { name.hasPrefix($0) }
        }
        guard others.isEmpty else {
            throw RunError.unfitCheckpoint(
                path: file.path, problems: others.map { "'\($0)' is in the file and not in the model" })
        }
        try compareModel(with: file)
        measuredEpoch = file.metadata["validated_epoch"].flatMap { Int($0) } ?? 0
        (best, schedule) = (BestEpoch(file.metadata), givenSchedule)
        guard var plateau = schedule?.plateau else { return }
        guard plateau.restore(file.metadata) else {
            throw RunError.foreignCheckpoint(
                path: file.path, reason: "what its metadata says of the plateau schedule cannot be read")
        }
        schedule?.plateau = plateau
    }
}
