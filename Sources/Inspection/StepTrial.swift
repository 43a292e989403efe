import Apus
import Foundation

/// A step, compiled, and run on made-up inputs as it would run in training or in use.
public final class StepTrial {
    public let compiler: Compiler
    public let compiled: CompiledStep
    /// Seconds from the declaration to the program.
    public let compilation: Double
    /// The weights that it runs with.
    public let state: ProgramState
    private let inputs: (_ run: Int) throws -> [String: TensorData]
    private var runs = 0

    /// - Parameters:
    ///   - communicator: The ranks that a step of training is for; nil for none.
    ///   - rankGradients: The numbers as which gradients travel between them.
    ///   - dividesState: Whether each of them keeps a part of the optimizer's state alone.
    ///   - state: Weights that it shares with other steps; nil for its own.
    ///   - compile: Declares and compiles the step.
    ///   - inputs: What the program is given in each run, by the number of that.
    public init(
        _ options: CompilerOptions, threads: Int?, pinned: Bool = false, cache: ObjectCache? = .standard,
        communicator: (any Communicator)? = nil, rankGradients: Compiler.Precision = .float32,
        dividesState: Bool = false, state: ProgramState? = nil, compile: (Compiler) throws -> CompiledStep,
        inputs: (CompiledStep) throws -> (_ run: Int) throws -> [String: TensorData] = { program in
            let inputs = try RandomInputs(program.program)
            return { _ in inputs.tensors }
        }
    ) throws {
        let start = now()
        var compiler = try Compiler(
            options, threads: threads, pinned: pinned, cache: cache, communicator: communicator,
            rankGradients: rankGradients, dividesState: dividesState)
        compiler.holdsWeightsAsBFloat16 = true
        self.compiler = compiler
        for warning in compiler.pool.warnings { TrainingOutput.standard.warn(warning) }
        compiled = try compile(compiler)
        compilation = seconds(since: start)
        self.state = try state ?? compiled.makeState(seed: 0)
        self.inputs = try inputs(compiled)
    }

    /// Runs the step once and tells the seconds that it took.
    @discardableResult
    public func run(observe: ((StepRun) -> Void)? = nil) throws -> Double {
        runs += 1
        let start = now()
        _ = try compiled.run(state, inputs(runs), observe: observe)
        return seconds(since: start)
    }

    /// Runs the step some times and observes it: where the time goes on average, and when what took place in the last
    /// run.
    public func observed(runs: Int) throws -> (profile: StepProfile, trace: StepTrace) {
        try StepProfile.observed(compiled, by: compiler, runs: runs) { _ = try run(observe: $0) }
    }

    /// Times so many runs, at least one, after two that are not timed. With `observing`, as many again tell where the
    /// time goes.
    public func benchmark(
        task: String, preset: String, batch: Int, steps: Int, observing: Bool = false
    ) throws -> BenchmarkResult {
        let first = compilation + (try run())
        try run()
        let times = try (0..<max(steps, 1)).map { _ in try run() }
        let peakBytes = ProcessMemory.peakBytes, observed = observing ? try observed(runs: steps) : nil
        return BenchmarkResult(
            task: task, preset: preset, precision: compiler.options.precision.rawValue, batch: batch,
            compilation: compilation, stages: compiled.compilation.timings, isCached: compiled.compilation.isCached,
            first: first, times: times.sorted(), parameterBytes: compiled.program.parameterBytes,
            peakBytes: peakBytes, pool: compiler.pool,
            floatingPointOperations: compiled.program.floatingPointOperations, profile: observed?.profile,
            trace: observed?.trace)
    }
}

/// Made-up inputs of a program: numbers in ±2, and indices that it takes.
public struct RandomInputs: Sendable {
    /// A tensor for each input that no optimizer provides.
    public let tensors: [String: TensorData]

    /// - Parameter special: Tensors of inputs that are not like others; nil for those that are.
    public init(
        _ program: Program, special: (Program.Binding) throws -> TensorData? = { _ in nil }
    ) throws {
        var random = SystemRandomNumberGenerator(), tensors: [String: TensorData] = [:]
        for binding in program.inputs where binding.type.rank > 0 {
            let (shape, count) = (binding.type.shape, binding.type.count)
            if let tensor = try special(binding) {
                tensors[binding.name] = tensor
            } else if binding.type.element == .f32 {
                tensors[binding.name] = try TensorData(
                    (0..<count).map { _ in Float.random(in: -2...2, using: &random) }, shape: shape)
            } else if binding.type.element == .i32 {
                let limit = Int32(clamping: max(binding.below ?? 2, 1))
                tensors[binding.name] = try TensorData(
                    (0..<count).map { _ in Int32.random(in: 0..<limit, using: &random) }, shape: shape)
            }
        }
        self.tensors = tensors
    }
}

private func now() -> UInt64 { DispatchTime.now().uptimeNanoseconds }
private func seconds(since start: UInt64) -> Double { Double(now() - start) * 1e-9 }
