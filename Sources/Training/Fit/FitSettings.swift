import ApusCodegen

/// What a run of ``fit(_:_:in:settings:schedule:validation:resuming:output:shouldStop:)`` is to do, beside the step, the
/// data and the schedule, which are given in code.
public struct FitSettings: RunSettings {
    public static let workflow = Workflow("fit", format: "apus.fit", activity: "training")

    public var epochs = 10
    /// Epochs without a better validation after which training ends; nil for never.
    public var patience: Int?
    public var seed = 0
    /// Samples of a batch; it follows from the step.
    public var batch = 1
    public var accumulation = 1
    public var precision = CompilerOptions.Precision.float32
    public var products = CompilerOptions.Products.auto
    public var memoryLimit: ByteCount?
    public var threads: Int?
    /// Threads that make the next batches of the data while a step runs, each up to two; with 0 a batch is made when
    /// its step is due. Results do not depend on it.
    public var loaderThreads = 1
    public var checkpointInterval = 1
    public var keptCheckpoints = 2
    public var logInterval = 100

    public init() {}

    /// Settings with a number of epochs and a seed.
    public init(epochs: Int, patience: Int? = nil, seed: Int = 0) {
        (self.epochs, self.patience, self.seed) = (epochs, patience, seed)
    }

    public static let all: [Setting<Self>] =
        [
            Setting(
                "patience", \.patience, "Epochs without a better validation after which training ends.",
                .range(1...1_000_000), unset: "never", changesOnTheWay: true)
        ] + Setting.compilation + Setting.length + Setting.seed + Setting.running + [
            Setting(
                "loader-threads", \.loaderThreads, "Threads that make batches while a step runs.", .range(0...1024),
                shapesTheResult: false)
        ]

    public var data: String { "the data source" }
    /// That of the optimizer, where no schedule is given in code.
    public var schedule: LearningRateSchedule { .constant(0) }
}
