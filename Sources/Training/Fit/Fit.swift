import ApusLayers
import ApusRuntime
import Foundation

/// What training has come to.
public struct FitResult {
    /// The weights of the last epoch, and the optimizer's state; where that is divided among ranks, this one's part of
    /// it, or, in bf16, none.
    public let state: ProgramState
    /// The epoch, counted from 0, whose validation was best, and its score; its weights are `best.safetensors` in the
    /// run's folder. Nil without validation.
    public let best: BestEpoch?
    /// Means of the loss and the metrics in the last epoch.
    public let means: [String: Double]
    /// Whether training came to its end; otherwise it was asked to stop, and has saved a checkpoint.
    public let isFinished: Bool
}

/// Trains a step on data, epoch after epoch, in a folder that gets checkpoints, a log, a table and the best weights.
///
/// Samples are shuffled by the seed, anew in each epoch; those that are left over at its end are not seen in it. A run
/// that was stopped, or killed, and resumed ends with the same weights, bit for bit.
///
/// - Parameters:
///   - step: Its inputs have the samples of a batch along their first axis.
///   - folder: A new one, or that of a run to go on with.
///   - schedule: The learning rate by epoch, or after a plateau of what the epochs measure; nil takes the optimizer's.
///   - resuming: Whether the folder holds a run that was stopped, which goes on.
///   - allowingChanges: Whether a run may go on with a model that computes something else than before with weights of
///     the same names and shapes.
///   - communicator: The ranks that train together; each calls this with the same arguments, and computes batches of
///     the step's size of its own, so that an update sees as many times more samples; with ``FitSettings/shares``, it
///     sees that many times more, whatever the number of ranks. Rank 0 alone writes.
///   - shouldStop: Asked before each step; by default, whether the process was asked to end.
/// - Throws: ``DataSourceError``, ``FitError`` for a folder or data that do not belong to the run and for arguments
///   that contradict each other, `GraphErrors` for a step that is not sound, ``RunError`` for a checkpoint that cannot
///   be used or a loss that is not finite, `RuntimeError` for data that does not fit the step, and what the data
///   throws.
public func fit(
    _ step: TrainingStep, _ data: some DataSource, in folder: String, settings: FitSettings = FitSettings(),
    schedule: LearningRateSchedule? = nil, validation: Validation? = nil, resuming: Bool = false,
    allowingChanges: Bool = false, output: TrainingOutput = .standard, communicator: (any Communicator)? = nil,
    shouldStop: @escaping (_ step: Int) -> Bool = { _ in Interrupt.requested }
) throws -> FitResult {
    let job = try FitJob(
        step, data, schedule, validation, settings, ranks: communicator?.count ?? 1, allowingChanges: allowingChanges)
    return try job.explaining(folder, resuming) {
        let plan =
            try resuming
            ? RunPlan<FitSettings>(
                resuming: folder, given: job.settings.values, allowingChanges: true,
                holding: communicator?.rank ?? 0 == 0)
            : RunPlan<FitSettings>(startingIn: folder, given: job.settings.values)
        let trainer = try Trainer(
            plan, output: output, communicator: communicator, shouldStop: shouldStop, makeTask: job.task)
        let outcome = try trainer.run()
        return FitResult(
            state: try trainer.wholeState(), best: trainer.task.best, means: trainer.results,
            isFinished: outcome == .finished)
    }
}

/// What is trained on what, before it is known in which folder.
struct FitJob {
    let step: TrainingStep, data: any DataSource
    let schedule: LearningRateSchedule?, validation: Validation?
    /// With the batch of the step, on all ranks together.
    let settings: FitSettings
    private let layout: FitLayout
    private let allowsChanges: Bool

    /// Throws ``FitError`` for settings that contradict each other, ``DataSourceError`` and `GraphErrors` for a step
    /// that is not sound.
    init(
        _ step: TrainingStep, _ data: any DataSource, _ schedule: LearningRateSchedule?, _ validation: Validation?,
        _ settings: FitSettings, ranks: Int = 1, allowingChanges: Bool
    ) throws {
        allowsChanges = allowingChanges
        (self.step, self.data, self.schedule, self.validation) = (step, data, schedule, validation)
        layout = try FitLayout(step)
        var settings = settings
        settings.batch = layout.batch * (settings.shares ?? ranks)
        self.settings = settings
        if let plateau = schedule?.plateau, plateau.goal != validation?.goal ?? .smaller {
            throw FitError.otherGoal(plateau.goal, hasValidation: validation != nil)
        }
        if settings.patience != nil, validation == nil { throw FitError.patienceWithoutValidation }
    }

    func task(_ settings: FitSettings, _ compiler: RunCompiler, _ output: TrainingOutput) throws -> FitTask {
        try FitTask(step, layout, data, settings, schedule, validation, compiler, output, allowsChanges)
    }

    /// Lets `body` train, and says of a folder what `fit` says of it.
    func explaining<Result>(_ folder: String, _ resuming: Bool, _ body: () throws -> Result) throws -> Result {
        guard !resuming || FileManager.default.fileExists(atPath: folder) else { throw FitError.noRun(folder: folder) }
        do {
            return try body()
        } catch let error as RunError {
            throw FitError(error) ?? error
        }
    }
}

/// What a step says of its batches.
struct FitLayout: Sendable {
    let batch: Int
    let metrics: [String]
    /// The names of what the model keeps.
    let weights: Set<String>
    let model: ModelDescription

    init(_ step: TrainingStep) throws {
        let traced = try step.trace()
        let inputs = traced.graph.inputs.map(\.operation)
        guard let batch = inputs.first?.type.shape.first, inputs.allSatisfy({ $0.type.shape.first == batch }) else {
            throw DataSourceError.noBatch(step: step.name, inputs: inputs.map { "'\($0.name)' \($0.type)" })
        }
        self.batch = batch
        metrics = traced.metrics
        weights = Set(traced.graph.parameters.map(\.operation.name))
        model = ModelDescription(traced.graph)
    }
}
