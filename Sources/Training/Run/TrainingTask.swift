import ApusLayers
import ApusRuntime

/// What a workflow adds to the ``Trainer``: its data, its programs, and what it does between epochs.
///
/// A task keeps whatever must survive a stop in ``savedTensors`` and ``savedMetadata``: a run that was stopped anywhere
/// and gone on with ends with the same weights, bit for bit.
public protocol TrainingTask: AnyObject {
    /// What a user may set.
    associatedtype Settings: RunSettings
    /// The batches of an epoch.
    associatedtype Batches: BatchSource
    /// What the training step depends on beside the settings: programs are compiled anew where the phase changes.
    associatedtype Phase: Hashable, Sendable

    /// The data that the run is bound to.
    var identity: DataIdentity { get }
    /// Full batches of an epoch.
    var batchesPerEpoch: Int { get }
    /// Scalars that the training program hands out; the first is the loss.
    var metrics: [TrainingMetric] { get }

    /// The phase that an epoch, counted from 0, is part of.
    func phase(ofEpoch epoch: Int) -> Phase
    /// What messages call a phase, such as "a high resolution"; nil if there is but one.
    func name(of phase: Phase) -> String?
    /// What the lines of the log say of a phase.
    func logFields(of phase: Phase) -> [(String, RunLog.Value)]
    /// Declares the training step of a phase.
    func trainingStep(_ phase: Phase) throws -> TrainingStep
    /// A constant factor of a weight's learning rate.
    func learningRateScale(of weight: String) -> Double
    /// The learning rate at an epoch, which counts from 0 and may be a fraction; nil takes that of the settings.
    func learningRate(atEpoch epoch: Double) -> Double?
    /// Fills the weights of a new run, which have their random values, from elsewhere.
    func initialize(_ state: ProgramState) throws

    /// The batches of an epoch, from one of them on.
    func batches(ofEpoch epoch: Int, startingAtBatch: Int) throws -> Batches
    /// What messages call the images, or what else a batch is made of, in order; empty if they have no names.
    func names(of batch: Batches.Batch) -> [String]
    /// What there is of a batch; the training program takes what it looks at.
    func inputs(_ batch: Batches.Batch, at place: BatchPlace) throws -> [String: TensorData]

    /// Says what is trained, and returns more fields for the first line of the log.
    func begin() throws -> [(String, RunLog.Value)]
    /// Does what is due before the epoch that the session stands at, or at the end of the last one.
    ///
    /// It is asked again when a run goes on from there, and does not repeat what it has done. All ranks are asked, and
    /// what they write is kept of the first; ``RunCompiler/ranks`` has each do a part.
    func betweenEpochs(_ session: TrainingSession) throws -> TrainingDecision
    /// Evaluates the result of a run that has come to its end, and returns numbers by which runs of several seeds are
    /// compared; nil if it was asked to stop meanwhile. All ranks are asked, as by ``betweenEpochs(_:)``.
    func finish(_ session: TrainingSession, means: [String: Double]) throws -> [String: Double]?

    /// What a checkpoint holds beside weights, optimizer and position.
    var savedTensors: [SafetensorsWriter.Tensor] { get }
    /// What a checkpoint holds as texts, by name.
    var savedMetadata: [String: String] { get }
    /// Takes them back; throws ``RunError/unfitCheckpoint(path:problems:hint:)`` or
    /// ``RunError/foreignCheckpoint(path:reason:)``.
    func restore(from file: SafetensorsFile) throws
}

/// A task that is made from settings alone, as a command line has them.
public protocol ConfiguredTask: TrainingTask {
    /// Reads the data and makes the model; nothing is written before all of that has worked.
    init(_ settings: Settings, _ compiler: RunCompiler, _ output: TrainingOutput) throws
}

/// Tasks with a single phase.
extension TrainingTask where Phase == SinglePhase {
    /// The one phase.
    public func phase(ofEpoch epoch: Int) -> SinglePhase { SinglePhase() }
}

/// The phase of a task that has one for all epochs.
public struct SinglePhase: Hashable, Sendable {
    /// The phase.
    public init() {}
}

extension TrainingTask {
    /// None.
    public func name(of phase: Phase) -> String? { nil }
    /// No fields.
    public func logFields(of phase: Phase) -> [(String, RunLog.Value)] { [] }
    /// The factor 1.
    public func learningRateScale(of weight: String) -> Double { 1 }
    /// That of the settings.
    public func learningRate(atEpoch epoch: Double) -> Double? { nil }
    /// Leaves the random values.
    public func initialize(_ state: ProgramState) throws {}
    /// No names.
    public func names(of batch: Batches.Batch) -> [String] { [] }
    /// No fields.
    public func begin() throws -> [(String, RunLog.Value)] { [] }
    /// Goes on.
    public func betweenEpochs(_ session: TrainingSession) throws -> TrainingDecision { .goOn }
    /// The means of the last epoch.
    public func finish(_ session: TrainingSession, means: [String: Double]) throws -> [String: Double]? { means }
    /// None.
    public var savedTensors: [SafetensorsWriter.Tensor] { [] }
    /// None.
    public var savedMetadata: [String: String] { [:] }
    /// Takes nothing back.
    public func restore(from file: SafetensorsFile) throws {}
}

/// A scalar output of a training program, with the name that the progress line gives it.
public struct TrainingMetric: Hashable, Sendable {
    /// The output of the program, and what the progress line calls it.
    public let output: String, short: String

    /// An output of the program with its short name.
    public init(_ output: String, short: String) { (self.output, self.short) = (output, short) }

    /// The output `loss`.
    public static let loss = TrainingMetric("loss", short: "loss")
    /// The output `accuracy`.
    public static let accuracy = TrainingMetric("accuracy", short: "acc")
}

/// How a run goes on after the time between two epochs.
public enum TrainingDecision: Hashable, Sendable {
    /// The next epoch follows.
    case goOn
    /// It was asked to stop meanwhile.
    case interrupted
    /// There is no use in training any longer.
    case finished
}

/// How a run has ended.
public enum TrainingOutcome: Hashable, Sendable {
    /// All epochs are done, or the task has ended the training.
    case finished
    /// It was asked to stop, and has saved a checkpoint.
    case stopped
}

/// The batches of an epoch, in order.
public protocol BatchSource: AnyObject {
    /// What is trained on at once.
    associatedtype Batch
    /// The next batch, or nil at the end.
    func next() throws -> Batch?
    /// Ends the epoch here.
    func stop()
}

/// Which batch of a run it is: random numbers for a batch are a function of its place and the seed alone.
public struct BatchPlace: Hashable, Sendable {
    /// The seed of the run.
    public let seed: Int
    /// Updates of the weights before this one, and the batch's number among those of the update, from 1.
    public let step: Int, number: Int
    /// The rank whose part of the batch it is.
    public let rank: Int

    /// A batch of a run by its place.
    public init(seed: Int, step: Int, number: Int, rank: Int = 0) {
        (self.seed, self.step, self.number, self.rank) = (seed, step, number, rank)
    }

    /// What tells the batch apart from others of the same update, on all ranks.
    public var index: Int { rank << 20 + number }
}

/// A run between two epochs, as its task sees it.
public struct TrainingSession {
    /// The weights and the optimizer's state.
    public let state: ProgramState
    /// Where the run writes.
    public let folder: RunFolder
    /// The epoch that comes next, counted from 0, and the updates made before it.
    public let epoch: Int, step: Int
    /// Means of the metrics in the epoch before, by the names of their outputs; empty before the first.
    public let means: [String: Double]
    /// Whether the run was asked to stop.
    public let shouldStop: () -> Bool
    /// Appends a line to the log.
    public let log: ([(String, RunLog.Value)]) throws -> Void
    /// Keeps the weights as the best so far.
    public let saveBest: () throws -> Void
}
