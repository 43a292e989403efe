import ApusCodegen

/// What a run of ``fit(_:_:in:settings:schedule:validation:resuming:allowingChanges:output:communicator:shouldStop:)``
/// is to do, beside the step, the data and the schedule, which are given in code.
public struct FitSettings: RunSettings {
    /// The workflow `fit`.
    public static let workflow = Workflow("fit", format: "apus.fit", activity: "training")

    /// How often training goes through the data.
    public var epochs = 10
    /// Epochs without a better validation after which training ends; nil for never.
    public var patience: Int?
    /// Draws the weights, the order of samples, and what layers draw.
    public var seed = 0
    /// Samples of a batch; it follows from the step.
    public var batch = 1
    /// Batches whose gradients make one update.
    public var accumulation = 1
    /// Shares of each batch, the step's batch being one of them: a power of two, of which ranks take as many each. The
    /// result does not depend on how many ranks there are then; nil has each rank compute one batch, as a whole.
    public var shares: Int?
    /// The numbers as which gradients travel between ranks: with bf16 half the bytes do, and each sum of two ranks is
    /// rounded.
    public var rankGradients = CompilerOptions.Precision.float32
    /// Whether each rank keeps a part of the optimizer's state alone (ZeRO-1); the weights are the same but for the
    /// order of sums over ranks.
    public var dividesState = false
    /// The numbers that matmuls and attention compute with.
    public var precision = CompilerOptions.Precision.float32
    /// Who computes matmuls; with `auto`, last bits depend on measurements of the machine.
    public var products = CompilerOptions.Products.auto
    /// Memory that parameters and activations may take; nil for no limit.
    public var memoryLimit: ByteCount?
    /// Threads to compute with; nil for as many as ``ThreadChoice`` says.
    public var threads: Int?
    /// Whether each thread stays on a processor of its own.
    public var pinned = false
    /// Threads that make the next batches of the data while a step runs, each up to two; with 0 a batch is made when
    /// its step is due. Results do not depend on it.
    public var loaderThreads = 1
    /// Epochs from one checkpoint to the next.
    public var checkpointInterval = 1
    /// Checkpoints that are kept.
    public var keptCheckpoints = 2
    /// Steps from one line of the log to the next, beside those of the epochs.
    public var logInterval = 100

    /// The defaults: ten epochs in f32.
    public init() {}

    /// Settings with a number of epochs and a seed.
    public init(epochs: Int, patience: Int? = nil, seed: Int = 0) {
        (self.epochs, self.patience, self.seed) = (epochs, patience, seed)
    }

    /// All settings, in the order in which they are documented.
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

    /// What messages call the data.
    public var data: String { "the data source" }
    /// That of the optimizer, where no schedule is given in code.
    public var schedule: LearningRateSchedule { .constant(0) }
}
