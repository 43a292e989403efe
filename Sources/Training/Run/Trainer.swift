import ApusCodegen
import ApusFiles
import ApusIR
import ApusRuntime
import Foundation

/// Trains: epochs and steps, the learning rate, checkpoints, the log and the progress line, for any ``TrainingTask``.
///
/// What comes out depends on the data and the settings alone: not on the threads, and not on where the run was stopped
/// and gone on with.
public final class Trainer<Task: TrainingTask> {
    /// How a run has ended.
    public typealias Outcome = TrainingOutcome

    /// The weights and the optimizer's state.
    public private(set) var state = ProgramState()
    /// What is trained, and on what.
    public let task: Task
    /// What runs of several seeds are compared by, once the run has finished.
    public private(set) var results: [String: Double] = [:]

    let plan: RunPlan<Task.Settings>
    let output: TrainingOutput
    let compiler: RunCompiler
    let shouldStop: (_ step: Int) -> Bool
    let ranks: TrainingRanks
    private var programs: (phase: Task.Phase, of: TrainingPrograms)?
    var position: TrainingPosition
    private(set) var speed = Speed<Task.Phase>()
    /// Why the run need not end with the bits of one that was not stopped; nil if it does.
    private var doubt: String?

    /// Prepares a run: reads the data, compiles the first program, and loads the checkpoint if there is one.
    ///
    /// Nothing is written yet. `shouldStop` is asked before each step, which is counted from 0 and over all epochs, and
    /// may end the run there with a checkpoint. `makeTask` reads the data and makes the model; nothing is written
    /// before all of that has worked.
    ///
    /// With a `communicator`, its ranks train together: each makes such a trainer of the same plan, and computes its
    /// part of every batch. Rank 0 alone writes and says what it does.
    public init(
        _ plan: RunPlan<Task.Settings>, output: TrainingOutput = .standard, communicator: (any Communicator)? = nil,
        shouldStop: @escaping (_ step: Int) -> Bool = { _ in Interrupt.requested },
        makeTask: (Task.Settings, RunCompiler, TrainingOutput) throws -> Task
    ) throws {
        let settings = plan.settings, ranks = TrainingRanks(communicator, shares: settings.shares)
        let output = ranks.isFirst ? output : .silent
        (self.plan, self.output, self.shouldStop, self.ranks) = (plan, output, shouldStop, ranks)
        let (compiler, task) = try ranks.agreed("reading settings and data") {
            try ranks.checkShares(ofBatch: settings.batch)
            let compiler = try RunCompiler(
                settings.compilerOptions, threads: settings.threads, pinned: settings.pinned, output,
                answers: plan.answers, communicator: communicator, ranks, gradients: settings.rankGradients)
            return (compiler, try makeTask(settings, compiler, output))
        }
        (self.compiler, self.task) = (compiler, task)
        try ranks.compare(settings, task.identity, compiler.build)
        position = TrainingPosition(totals: MetricTotals(metrics: task.metrics.count))
        guard task.batchesPerEpoch >= settings.accumulation else {
            throw RunError.tooFewBatches(batches: task.batchesPerEpoch, accumulation: settings.accumulation)
        }
        try ranks.agreed("compiling and loading weights") {
            if let file = plan.checkpoint { try load(file) } else { try initialize() }
            if let (imported, path) = plan.imported {
                position.epoch = try imported.load(into: state, stepsPerEpoch: stepsPerEpoch)
                position.step = position.epoch * stepsPerEpoch
                try requireFinite(path)
            }
        }
        try ranks.compare([("the step that the run stands at", String(position.step))])
        try ranks.compareWeights(state, step: position.step)
    }

    /// Trains to the end, or until it is asked to stop. The folder is this process's alone meanwhile.
    ///
    /// An error in the data, such as a file that has become unreadable, loses nothing: the run is saved where it
    /// stands. Where something could not be written, the log lacks a line or the best weights are not those that the
    /// state speaks of; the last checkpoint stays the newest then.
    public func run() throws -> Outcome {
        guard ranks.isFirst else { return try runBesideFirst() }
        let (lock, run) = try ranks.agreed("opening the run's folder") {
            let lock = try plan.lock ?? FolderLock(creating: plan.path)
            return (lock, try open())
        }
        defer { lock.release() }
        do {
            return try train(run)
        } catch let error where Self.leavesWeights(error) && position.epoch > 0 {
            // What cannot be saved either is not what the user has to know first.
            try? save(run)
            throw error
        }
    }

    /// Trains as another rank than the first: what tasks write goes into a folder that nobody keeps.
    private func runBesideFirst() throws -> Outcome {
        let path = NSTemporaryDirectory() + "/apus-rank-\(ranks.rank)-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let run = try ranks.agreed("opening the run's folder") {
            let folder = try RunFolder(creating: path)
            return OpenRun(folder: folder, log: try RunLog(path: folder.logPath))
        }
        return try train(run)
    }

    /// Whether an error has come between two steps, and a checkpoint can be written: it is none of the run itself, nor
    /// of a file that could not be written, nor of ranks that were interrupted while they added up.
    private static func leavesWeights(_ error: any Error) -> Bool {
        if case .otherRank = error as? RunError { return true }
        let isOfWriting = error is FileError || (error as? SafetensorsError)?.code == .unwritable
        let isOfRanks = [.communication, .otherRank].contains((error as? RuntimeError)?.code)
        return !(error is RunError) && !isOfWriting && !isOfRanks
    }

    private func train(_ run: OpenRun) throws -> Outcome {
        var decision = position.stepInEpoch == 0 ? try betweenEpochs(run) : .goOn
        while decision == .goOn, position.epoch < settings.epochs {
            guard try trainEpoch(run) else { return try stop(run) }
            try log("epoch", position.totals.means, learningRate: learningRate, to: run)
            position.endEpoch()
            decision = try betweenEpochs(run)
            try ranks.compareWeights(state, step: position.step)
            let isLast = decision == .finished || position.epoch == settings.epochs
            if decision != .interrupted, isLast || position.epoch % settings.checkpointInterval == 0 {
                try save(run)
            }
        }
        if decision == .interrupted { return try stop(run) }
        let means = zip(task.metrics, position.lastMeans)
        output.say(
            "finished \(position.epoch) epochs; means of the last one:"
                + means.map { "  \($0.short) \(String(format: "%.4f", $1))" }.joined())
        let finished = try ranks.agreed("the final evaluation") {
            try task.finish(session(run), means: lastMeans)
        }
        guard let finished else {
            output.say("stopped before the evaluation was complete; go on with --resume \(plan.path)")
            return .stopped
        }
        results = finished
        return .finished
    }

    private func betweenEpochs(_ run: OpenRun) throws -> TrainingDecision {
        let decision = try ranks.agreed("what comes between epochs") { try task.betweenEpochs(session(run)) }
        return try ranks.any(decision == .interrupted) ? .interrupted : decision
    }

    // MARK: - Training

    var settings: Task.Settings { plan.settings }
    /// Updates of the weights in each epoch.
    var stepsPerEpoch: Int { task.batchesPerEpoch / settings.accumulation }

    /// Means of the metrics in the epoch before, by the names of their outputs.
    var lastMeans: [String: Double] {
        Dictionary(zip(task.metrics.map(\.output), position.lastMeans)) { first, _ in first }
    }

    /// Seconds of an update in this process; 0 before the first.
    var secondsPerStep: Double { speed.images > 0 ? speed.seconds / Double(speed.images / settings.effectiveBatch) : 0 }

    /// The programs of a phase; those of another one are let go.
    func programs(for phase: Task.Phase) throws -> TrainingPrograms {
        if let programs, programs.phase == phase { return programs.of }
        programs = nil
        let compiled = try compiler.compile(
            "a training step" + (task.name(of: phase).map { " with \($0)" } ?? ""), task.trainingStep(phase),
            batches: settings.accumulation, learningRateScale: task.learningRateScale)
        programs = (phase, compiled)
        return compiled
    }

    /// Trains to the end of the epoch; false if it was asked to stop before.
    private func trainEpoch(_ run: OpenRun) throws -> Bool {
        let (training, batches) = try ranks.agreed("beginning an epoch") {
            let training = try programs(for: task.phase(ofEpoch: position.epoch))
            try training.addParameters(to: state, seed: settings.seed)
            return (
                training,
                try task.batches(
                    ofEpoch: position.epoch, startingAtBatch: position.stepInEpoch * settings.accumulation)
            )
        }
        // Where they lie in memory is a rank's own affair.
        let collectives = training.update.update.program.collectives.map { "\($0.kind.rawValue) of \($0.type)" }
        try ranks.compare([("what ranks do together in a training step", collectives.joined(separator: ", "))])
        defer { batches.stop() }
        speed.begin(programs?.phase)
        while position.stepInEpoch < stepsPerEpoch {
            if try ranks.any(shouldStop(position.step)) { return false }
            let (metrics, seconds) = try Clock.time { try step(batches, training) }
            guard metrics.allSatisfy(\.isFinite) else {
                let (epoch, step) = (position.epoch, position.step)
                throw RunError.lossNotFinite(
                    // The search takes steps on one rank alone.
                    epoch: epoch, step: step, origin: ranks.count > 1 ? nil : try? searchOrigin(in: run.folder),
                    checkpoint: try run.folder.checkpoints().last?.path)
            }
            speed.add(images: settings.effectiveBatch, seconds: seconds)
            let rate = learningRate
            position.add(metrics)
            show(metrics)
            guard position.step % settings.logInterval == 0 else { continue }
            try log("step", metrics, learningRate: rate, to: run)
            try ranks.compareWeights(state, step: position.step)
        }
        return true
    }

    /// One update of the weights, from as many batches as it takes; returns the means of the metrics.
    ///
    /// With `fillingIn`, floating-point inputs that the task does not have yet are ones.
    func step(_ batches: Task.Batches, _ training: TrainingPrograms, fillingIn: Bool = false) throws -> [Double] {
        var totals = MetricTotals(metrics: task.metrics.count)
        for number in 1...settings.accumulation {
            let program = training.program(ofBatch: number, of: settings.accumulation)
            let report = try program.run(
                state, shares: ranks.ownShares, learningRate: number == settings.accumulation ? learningRate : nil
            ) { share in
                try ranks.agreed("reading a batch") {
                    let (batch, waiting) = try Clock.time { try batches.next() }
                    speed.add(waiting: waiting)
                    guard let batch else {
                        throw RunError.dataEnded(
                            epoch: position.epoch, step: position.stepInEpoch, of: stepsPerEpoch)
                    }
                    let place = BatchPlace(seed: settings.seed, step: position.step, number: number, rank: share)
                    var inputs = program.reader.taken(from: try task.inputs(batch, at: place))
                    if fillingIn { inputs.merge(try program.reader.ones(beside: inputs)) { first, _ in first } }
                    return inputs
                }
            }
            totals.add(task.metrics.map { Double(report[$0.output]?.scalar ?? .nan) })
        }
        return totals.means
    }

    /// The rate for the step that comes next: it follows the batches of the epoch, those left over at its end included.
    private var learningRate: Double {
        let part = Double(position.stepInEpoch * settings.accumulation) / Double(task.batchesPerEpoch)
        let epoch = Double(position.epoch) + part
        return task.learningRate(atEpoch: epoch) ?? settings.schedule.rate(atEpoch: epoch)
    }

    // MARK: - Checkpoints

    /// The files of a run that is under way.
    private struct OpenRun {
        let folder: RunFolder
        let log: RunLog
    }

    /// Makes or opens the folder; a new run gets the first line of its log.
    private func open() throws -> OpenRun {
        // Another process may have been here since the run was planned.
        if plan.lock == nil { try plan.requireNoRun() }
        let folder = try RunFolder(creating: plan.path)
        // Where settings are saved, a run can be gone on with: by then, it must not depend on the other checkpoint any
        // longer.
        if plan.imported != nil || !plan.changes.isEmpty { try save(in: folder) }
        try plan.saveSettings(in: folder)
        try compiler.keepAnswers(in: folder)
        try folder.removeOldCheckpoints(keeping: settings.keptCheckpoints)
        let run = OpenRun(folder: folder, log: try RunLog(path: folder.logPath))
        if position.step > 0 || plan.checkpoint != nil {
            output.say("going on from epoch \(position.epoch), step \(position.step)")
        }
        for note in settings.notes { output.say("note: \(note)") }
        if settings.rankGradients != .float32, ranks.count == 1, !ranks.isReproducible {
            output.say("note: rank-gradients changes nothing here: one rank trains alone, and no gradient travels")
        }
        if settings.products == .auto {
            output.say(
                "products auto: measurements decide who computes what; this run keeps the answers, and others may have "
                    + "other last bits")
        }
        guard plan.checkpoint == nil else {
            try run.log.truncate(after: position.step)
            for change in plan.changes {
                output.say("\(change.name) changes from \(change.saved) to \(change.given)")
                try run.log.append([
                    ("event", .text("change")), ("step", .integer(position.step)), ("setting", .text(change.name)),
                    ("from", .text(change.saved)), ("to", .text(change.given)),
                ])
            }
            if let doubt {
                output.warn(doubt)
                try run.log.append([
                    ("event", .text("warning")), ("step", .integer(position.step)), ("message", .text(doubt)),
                ])
            }
            return run
        }
        try run.log.truncate(after: -1)
        try run.log.append([("event", .text("start")), ("step", .integer(0))] + startFields + task.begin())
        return run
    }

    private func session(_ run: OpenRun) -> TrainingSession {
        let step = position.step
        return TrainingSession(
            state: state, folder: run.folder, epoch: position.epoch, step: step, means: lastMeans,
            shouldStop: { [shouldStop] in shouldStop(step) },
            log: { try run.log.append($0) }, saveBest: { try self.saveBest(run) })
    }

    private func stop(_ run: OpenRun) throws -> Outcome {
        try save(run)
        output.say("stopped after step \(position.step); go on with --resume \(plan.path)")
        return .stopped
    }

    private var metadata: [String: String] {
        RunCheckpoint(settings: settings, data: task.identity, position: position, build: compiler.build).metadata
            .merging(["optimizer_step": String(state.step)]) { $1 }.merging(task.savedMetadata) { $1 }
    }

    /// Saves the run where it stands; the lines of the log up to here are on the disk before.
    private func save(_ run: OpenRun) throws {
        try run.log.synchronize()
        try save(in: run.folder)
    }

    private func save(in folder: RunFolder) throws {
        guard ranks.isFirst else { return }
        if let name = try state.firstNotFinite() {
            throw RunError.weightNotFinite(
                name: name, epoch: position.epoch, step: position.step, checkpoint: try folder.checkpoints().last?.path)
        }
        try state.withTensors(state.savedNames) { tensors in
            try folder.saveCheckpoint(
                step: position.step, metadata: metadata, tensors: tensors + task.savedTensors,
                keeping: settings.keptCheckpoints)
        }
    }

    /// The weights alone, without what the optimizer keeps about them and the key of random draws.
    private func saveBest(_ run: OpenRun) throws {
        try state.withTensors(state.savedNames.filter { !$0.hasPrefix("optimizer.") && $0 != Parameter.randomKeyName })
        { tensors in
            try SafetensorsWriter.write(to: run.folder.bestPath, metadata: metadata, tensors: tensors)
        }
    }

    /// Makes the state of a new run.
    private func initialize() throws {
        try programs(for: task.phase(ofEpoch: 0)).addParameters(to: state, seed: settings.seed)
        try task.initialize(state)
        // Random weights are finite: what is not comes from a file.
        if case .text(let path) = settings.values["init"] { try requireFinite(path) }
    }

    /// Throws if a weight that comes from a file is not finite.
    private func requireFinite(_ path: String) throws {
        if let name = try state.firstNotFinite() { throw RunError.initialWeightNotFinite(name: name, path: path) }
    }

    /// Makes the state of a checkpoint anew; without one, that of the beginning.
    func goBack(to checkpoint: RunFolder.Checkpoint?) throws {
        state = ProgramState()
        guard let checkpoint else {
            position = TrainingPosition(totals: MetricTotals(metrics: task.metrics.count))
            return try initialize()
        }
        try load(SafetensorsFile(contentsOf: checkpoint.path))
    }

    /// Makes the state, and fills it from a checkpoint after making sure that it belongs to these data and this model.
    private func load(_ file: SafetensorsFile) throws {
        let checkpoint = try RunCheckpoint<Task.Settings>(file)
        let (then, now) = (checkpoint.data, task.identity)
        guard then.classes == now.classes else {
            throw RunError.otherImages(
                data: settings.data, then: "the classes \(then.classes.joined(separator: ", "))",
                now: now.classes.joined(separator: ", "))
        }
        guard then.images == now.images else {
            throw RunError.otherImages(data: settings.data, then: then.images, now: now.images)
        }
        guard checkpoint.position.totals.sums.count == task.metrics.count else {
            throw RunError.foreignCheckpoint(path: file.path, reason: "'epoch_sums' has another number of metrics")
        }
        position = checkpoint.position
        doubt = Self.doubt(goingOnFrom: file.path, of: checkpoint.build, with: compiler.build)
        let training = try programs(for: task.phase(ofEpoch: min(position.epoch, settings.epochs - 1)))
        try training.addParameters(to: state, seed: settings.seed)
        try state.load(training.update.parameters, from: file)
        // The file has the key of the first rank.
        try state.draw(asRank: ranks.drawingRank)
        try requireFinite(file.path)
        state.step = file.metadata["optimizer_step"].flatMap { Int($0) } ?? position.step
        try task.restore(from: file)
    }

    /// Why a run that goes on need not have the bits of one that was never stopped.
    private static func doubt(
        goingOnFrom path: String, of then: BuildDescription?, with now: BuildDescription
    ) -> String? {
        let reason: String
        if let then {
            guard let difference = now.difference(from: then) else { return nil }
            reason = difference
        } else {
            reason = "it does not say what wrote it"
        }
        return "\(path): \(reason); the run goes on, but its last bits need not be those of one that was not stopped"
    }

    // MARK: - Reports

    private func log(_ event: String, _ metrics: [Double], learningRate: Double, to run: OpenRun) throws {
        try run.log.append(fields(event, metrics, learningRate: learningRate))
    }
}

extension Trainer where Task: ConfiguredTask {
    /// Prepares a run of a task that is made from the settings of the plan.
    public convenience init(
        _ plan: RunPlan<Task.Settings>, output: TrainingOutput = .standard, communicator: (any Communicator)? = nil,
        shouldStop: @escaping (_ step: Int) -> Bool = { _ in Interrupt.requested }
    ) throws {
        try self.init(plan, output: output, communicator: communicator, shouldStop: shouldStop, makeTask: Task.init)
    }
}
