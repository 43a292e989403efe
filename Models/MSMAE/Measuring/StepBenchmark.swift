import Apus
import ApusInspection

/// Times a step of a model on random images.
public struct StepBenchmark {
    public let step: NamedStep
    public let preset: String
    public let options: CompilerOptions
    public let batch: Int
    /// Runs that are timed, after two that are not.
    public let steps: Int
    /// Where code is looked for before it is compiled.
    public let cache: ObjectCache?
    /// The ranks that take a step of training together, each with a batch of its own; nil for none.
    public var communicator: (any Communicator)?
    /// The numbers as which gradients travel between ranks.
    public var rankGradients = Compiler.Precision.float32
    /// Whether each rank keeps a part of the optimizer's state alone.
    public var dividesState = false

    public init(
        _ step: NamedStep, preset: String, options: CompilerOptions = CompilerOptions(), batch: Int, steps: Int,
        cache: ObjectCache? = .standard
    ) {
        (self.step, self.preset, self.options, self.batch, self.steps, self.cache) = (
            step, preset, options, batch, steps, cache
        )
    }

    /// Compiles and runs the step. With `observing`, as many runs again tell where the time goes.
    public func run(
        _ configuration: Configuration, threads: Int?, pinned: Bool = false, observing: Bool = false
    ) throws -> BenchmarkResult {
        var configuration = configuration
        configuration.classes = 4
        // The released code's loss, as the comparison with PyTorch has it.
        configuration.variant = .released
        let trial = try StepTrial(
            step, of: configuration, batch: batch, options: options, threads: threads, pinned: pinned,
            cache: cache, communicator: communicator, rankGradients: rankGradients, dividesState: dividesState)
        return try trial.benchmark(
            task: step.rawValue, preset: preset, batch: batch, steps: steps, observing: observing)
    }
}
