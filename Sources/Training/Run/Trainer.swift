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
                answers: plan.answers, communicator: communicator, ranks, gradients: settings.rankGradients,
                dividesState: settings.dividesState)
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
                try fill { position.epoch = try imported.load(into: $0, stepsPerEpoch: stepsPerEpoch) }
                position.step = position.epoch * stepsPerEpoch
                try requireFinite(path)
            }
        }
        try ranks.compare([("the step that the run stands at", String(position.step))])
        try compareWeights()
    }

    /// Trains to the end, or until it is asked to stop. The folder is this process's alone meanwhile.
    ///
    /// An error in the data, such as a file that has become unreadable, loses nothing: the run is saved where it
    /// stands. Where something could not be written, the log lacks a line or the best weights are not those that the
    /// state speaks of; the last checkpoint stays the newest then.
    public func run() throws -> Outcome {
        guard ranks.isFirst else { return try runBesideFirst() }
        let (lock, folder) = try ranks.agreed("making the run's folder") {
            let lock = try plan.lock ?? FolderLock(creating: plan.path)
            // Another process may have been here since the run was planned.
            if plan.lock == nil { try plan.requireNoRun() }
            return (lock, try RunFolder(creating: plan.path))
        }
        defer { lock.release() }
        try ranks.agreed("saving the run") { try saveBeginning(in: folder) }
        return try train(try ranks.agreed("opening the run's folder") { try open(folder) })
    }

    /// Trains as another rank than the first: what tasks write goes into a folder that nobody keeps.
    private func runBesideFirst() throws -> Outcome {
        let path = NSTemporaryDirectory() + "/apus-rank-\(ranks.rank)-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let folder = try ranks.agreed("making the run's folder") { try RunFolder(creating: path) }
        try ranks.agreed("saving the run") { try saveBeginning(in: folder) }
        let log = try ranks.agreed("opening the run's folder") { try RunLog(path: folder.logPath) }
        return try train(OpenRun(folder: folder, log: log))
    }

    /// Trains; where something else fails than the run itself, it is saved as it stands.
    private func train(_ run: OpenRun) throws -> Outcome {
        do {
            return try trainToEnd(run)
        } catch {
            // Parts of state are gathered where all ranks do that, as after a failure that all know of. What cannot be
            // saved either is not what the user has to know first.
            let canBeSaved = parts.isEmpty ? RunError.leavesWeights(error) : ranks.agreesToSave
            if canBeSaved, position.epoch > 0 { try? save(run) }
            throw error
        }
    }

    private func trainToEnd(_ run: OpenRun) throws -> Outcome {
        var decision = position.stepInEpoch == 0 ? try betweenEpochs(run) : .goOn
        while decision == .goOn, position.epoch < settings.epochs {
            guard try trainEpoch(run) else { return try stop(run) }
            try log("epoch", position.totals.means, learningRate: learningRate, to: run)
            position.endEpoch()
            decision = try betweenEpochs(run)
            try compareWeights()
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
        let session = try session(run)
        let finished = try ranks.agreed("the final evaluation") { try task.finish(session, means: lastMeans) }
        guard let finished else {
            output.say("stopped before the evaluation was complete; go on with --resume \(plan.path)")
            return .stopped
        }
        results = finished
        return .finished
    }

    private func betweenEpochs(_ run: OpenRun) throws -> TrainingDecision {
        let session = try session(run)
        let decision = try ranks.agreed("what comes between epochs") { try task.betweenEpochs(session) }
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
        let training = try ranks.agreed("compiling") { try programs(for: task.phase(ofEpoch: position.epoch)) }
        try adaptState(to: training)
        let batches = try ranks.agreed("beginning an epoch") {
            try training.addParameters(to: state, seed: settings.seed)
            return try task.batches(
                ofEpoch: position.epoch, startingAtBatch: position.stepInEpoch * settings.accumulation)
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
            try compareWeights()
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

    /// Saves a run that begins with another checkpoint, or goes on with other settings: where settings are saved, it
    /// can be gone on with, and must not depend on anything else any longer.
    private func saveBeginning(in folder: RunFolder) throws {
        if plan.imported != nil || !plan.changes.isEmpty { try save(in: folder) }
    }

    /// Opens the folder; a new run gets the first line of its log.
    private func open(_ folder: RunFolder) throws -> OpenRun {
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
        if settings.dividesState, ranks.count == 1 {
            output.say("note: divide-state changes nothing here: one rank trains alone, and keeps all of it")
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

    private func session(_ run: OpenRun) throws -> TrainingSession {
        let step = position.step, state = try wholeState()
        return TrainingSession(
            state: state, folder: run.folder, epoch: position.epoch, step: step, means: lastMeans,
            shouldStop: { [shouldStop] in shouldStop(step) },
            log: { try run.log.append($0) }, saveBest: { try self.saveBest(state, run) })
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

    /// Saves on the first rank; where state is divided, all call it together, and give it their parts.
    private func save(in folder: RunFolder) throws {
        let parts = parts
        guard ranks.isFirst || !parts.isEmpty else { return }
        let own = try state.firstNotFinite()
        if let name = parts.isEmpty ? own : try ranks.first(own) {
            guard ranks.isFirst else { throw RunError.otherRank(0, failedIn: "saving the run") }
            throw RunError.weightNotFinite(
                name: parts.nameInFiles(name), epoch: position.epoch, step: position.step,
                checkpoint: try folder.checkpoints().last?.path)
        }
        guard ranks.isFirst else { return try parts.giveAll(of: state) }
        let ownNames = parts.ownNames
        let whole = state.savedNames.filter { !ownNames.contains($0) && !parts.isDivided($0) }
        try parts.gathering(state) { divided in
            try state.withTensors(whole) { tensors in
                try folder.saveCheckpoint(
                    step: position.step, metadata: metadata, tensors: tensors + divided + task.savedTensors,
                    keeping: settings.keptCheckpoints)
            }
        }
    }

    /// What this rank has of divided state.
    private var parts: StateParts { StateParts(of: state, ranks, isDivided: settings.dividesState) }

    /// The state with all weights in f32, as programs without training read them; all ranks call it together. The
    /// optimizer's state is this rank's, or missing.
    func wholeState() throws -> ProgramState { try parts.withWholeWeights(state) }

    /// Has `fill` change the state, as one in which nothing is divided.
    private func fill(withOptimizerState: Bool = true, by fill: (ProgramState) throws -> Void) throws {
        let parameters = try programs(for: task.phase(ofEpoch: position.epoch)).parameters.filter {
            withOptimizerState || !$0.name.hasPrefix("optimizer.")
        }
        try parts.fill(state, parameters, seed: settings.seed, by: fill)
    }

    /// Makes the state anew where the programs of another phase hold some weight as another type.
    func adaptState(to training: TrainingPrograms) throws {
        let isOther = training.parameters.contains { parameter in
            state.type(of: parameter.name).map { $0.element != parameter.type.element } ?? false
        }
        guard isOther else { return }
        let old = state, then = parts
        state = ProgramState()
        try training.addParameters(to: state, seed: settings.seed)
        try then.copy(old, to: state, parts)
    }

    /// Throws unless all ranks have the same weights, and the same of what is not divided.
    private func compareWeights() throws {
        try ranks.compareWeights(state, apartFrom: parts.ownNames, step: position.step)
    }

    /// The weights alone, without what the optimizer keeps about them and the key of random draws.
    private func saveBest(_ state: ProgramState, _ run: OpenRun) throws {
        try state.withTensors(state.savedNames.filter { !$0.hasPrefix("optimizer.") && $0 != Parameter.randomKeyName })
        { tensors in
            try SafetensorsWriter.write(to: run.folder.bestPath, metadata: metadata, tensors: tensors)
        }
    }

    /// Makes the state of a new run.
    private func initialize() throws {
        try programs(for: task.phase(ofEpoch: 0)).addParameters(to: state, seed: settings.seed)
        try fill(withOptimizerState: false, by: task.initialize)
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
        try state.load(training.update.parameters, from: file, parts: parts)
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
