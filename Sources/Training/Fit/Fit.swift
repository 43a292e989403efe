import ApusLayers
import ApusRuntime
import Foundation

/// How a model that is being trained is measured after each epoch.
public struct Validation {
    let step: InferenceStep
    let data: any DataSource
    let score: ([String: TensorData]) throws -> Double

    /// - Parameters:
    ///   - step: What is computed of the data; its inputs are taken from there.
    ///   - data: All of its samples are predicted, in order.
    ///   - score: What the outputs, by name and with all samples along the first axis, are worth; larger is better.
    public init(
        _ step: InferenceStep, _ data: any DataSource, score: @escaping ([String: TensorData]) throws -> Double
    ) {
        (self.step, self.data, self.score) = (step, data, score)
    }
}

/// What training has come to.
public struct FitResult {
    /// The weights of the last epoch, and the optimizer's state.
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
///   - schedule: The learning rate by epoch; nil takes the optimizer's.
///   - resuming: Whether the folder holds a run that was stopped, which goes on.
///   - shouldStop: Asked before each step; by default, whether the process was asked to end.
/// - Throws: ``DataSourceError``, ``FitError`` for a folder or data that do not belong to the run, `GraphErrors` for a
///   step that is not sound, ``RunError`` for a checkpoint that cannot be used or a loss that is not finite,
///   `RuntimeError` for data that does not fit the step.
public func fit<Data: DataSource>(
    _ step: TrainingStep, _ data: Data, in folder: String, settings: FitSettings = FitSettings(),
    schedule: LearningRateSchedule? = nil, validation: Validation? = nil, resuming: Bool = false,
    output: TrainingOutput = .standard, shouldStop: @escaping (_ step: Int) -> Bool = { _ in Interrupt.requested }
) throws -> FitResult {
    var settings = settings
    let layout = try FitLayout(step)
    settings.batch = layout.batch
    guard !resuming || FileManager.default.fileExists(atPath: folder) else { throw FitError.noRun(folder: folder) }
    do {
        let plan =
            try resuming
            ? RunPlan<FitSettings>(resuming: folder, given: settings.values, allowingChanges: true)
            : RunPlan<FitSettings>(startingIn: folder, given: settings.values)
        let trainer = try Trainer(plan, output: output, shouldStop: shouldStop) { settings, compiler, output in
            try FitTask(step, layout, data, settings, schedule, validation, compiler, output)
        }
        let outcome = try trainer.run()
        return FitResult(
            state: trainer.state, best: trainer.task.best, means: trainer.results, isFinished: outcome == .finished)
    } catch let error as RunError {
        throw FitError(error) ?? error
    }
}

/// What a step says of its batches.
struct FitLayout: Sendable {
    let batch: Int
    let metrics: [String]

    init(_ step: TrainingStep) throws {
        let traced = try step.trace()
        let inputs = traced.graph.inputs.map(\.operation)
        guard let batch = inputs.first?.type.shape.first, inputs.allSatisfy({ $0.type.shape.first == batch }) else {
            throw DataSourceError.noBatch(step: step.name, inputs: inputs.map { "'\($0.name)' \($0.type)" })
        }
        self.batch = batch
        metrics = traced.metrics
    }
}

/// A run that cannot begin or go on as it was asked for.
public enum FitError: Error, Hashable, Sendable, CustomStringConvertible {
    case runExists(folder: String)
    case noRun(folder: String)
    case otherData(then: String, now: String)

    /// What `fit` says in place of what a command line would; nil if it would say the same.
    init?(_ error: RunError) {
        switch error {
        case .runExists(let path): self = .runExists(folder: path)
        case .noRun(let path), .noCheckpoint(let path, _): self = .noRun(folder: path)
        case .otherImages(_, let then, let now): self = .otherData(then: then, now: now)
        default: return nil
        }
    }

    public var description: String {
        switch self {
        case .runExists(let folder):
            "\(folder): the folder holds a run already; go on with it by fit(…, resuming: true), or name another folder"
        case .noRun(let folder):
            "\(folder): there is no run in this folder to go on with; begin one by fit without resuming"
        case .otherData(let then, let now):
            "the run was started on \(then), and the data has \(now) now; give the data as it was, or begin a new run "
                + "with the weights of that one (loadWeights)"
        }
    }
}
