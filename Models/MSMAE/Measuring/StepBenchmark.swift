import Apus
import Foundation

/// Times a step of a model on random images, as it would run in training or in use.
public struct StepBenchmark {
    public let step: NamedStep
    public let preset: String
    public let options: CompilerOptions
    public let batch: Int
    /// Runs that are timed, after two that are not.
    public let steps: Int
    /// Where code is looked for before it is compiled.
    public let cache: ObjectCache?

    private static let classes = 4

    public init(_ step: NamedStep, preset: String, options: CompilerOptions = CompilerOptions(), batch: Int, steps: Int, cache: ObjectCache? = .standard) {
        (self.step, self.preset, self.options, self.batch, self.steps, self.cache) = (step, preset, options, batch, steps, cache)
    }

    /// Compiles and runs the step. With `profiling`, as many runs again tell where the time goes.
    public func run(_ configuration: Configuration, threads: Int?, profiling: Bool = false) throws -> BenchmarkResult {
        var configuration = configuration
        configuration.classes = Self.classes
        // The released code's loss, as the comparison with PyTorch has it.
        configuration.variant = .released
        let optimizer = Optimizer.adamW(learningRate: 1e-4, betas: (0.9, 0.95), weightDecay: 0.05, decays: .all)
        let declaration = step.declaration(of: try MaskedAutoencoder(configuration), batch: batch, optimizer: optimizer)

        let start = now()
        let compiler = try Compiler(options, threads: threads, cache: cache)
        let program = try declaration.compiled(by: compiler)
        let compilation = seconds(since: start)
        let state = try program.makeState(seed: 0)
        var inputs = try RandomBatch(program.program.inputs, classes: Self.classes)
        func timedRun() throws -> Double {
            let start = now()
            _ = try program.run(state, inputs.next())
            return seconds(since: start)
        }
        let first = compilation + (try timedRun())
        _ = try timedRun()
        let times = try (0..<steps).map { _ in try timedRun() }
        let peak = ProcessMemory.peakBytes
        var profile: StepProfile?
        if profiling {
            var collected = StepProfile(runs: steps)
            for _ in 0..<steps { _ = try program.run(state, inputs.next()) { step, seconds in collected.add(step, seconds) } }
            profile = collected
        }
        return BenchmarkResult(
            task: step.rawValue, preset: preset, precision: options.precision.rawValue, batch: batch, compilation: compilation,
            stages: program.compilation.timings, isCached: program.compilation.isCached, first: first, times: times.sorted(), peakBytes: peak, threads: compiler.pool.threads,
            floatingPointOperations: program.program.floatingPointOperations, profile: profile)
    }
}

/// Inputs of a program, drawn once; only the key of the random numbers changes from run to run.
private struct RandomBatch {
    private var inputs: [String: TensorData] = [:]
    private var key: Int32 = 0

    init(_ bindings: [Program.Binding], classes: Int) throws {
        var random = SystemRandomNumberGenerator()
        // Other inputs are the optimizer's, which a compiled step provides itself.
        for binding in bindings {
            let (shape, count) = (binding.type.shape, binding.type.count)
            switch binding.name {
            case "images": inputs["images"] = TensorData((0..<count).map { _ in Float.random(in: -2...2, using: &random) }, shape: shape)
            case "labels": inputs["labels"] = TensorData((0..<count).map { _ in Int32.random(in: 0..<Int32(classes), using: &random) }, shape: shape)
            case "mask_weights":
                inputs["mask_weights"] = TensorData((0..<count).map { _ in Float.random(in: 0.01...1.01, using: &random) }, shape: shape)
            case "random_key": inputs["random_key"] = TensorData([0, 0] as [Int32])
            default: break
            }
        }
    }

    mutating func next() -> [String: TensorData] {
        key += 1
        if inputs["random_key"] != nil { inputs["random_key"] = TensorData([0, key]) }
        return inputs
    }
}

private func now() -> UInt64 { DispatchTime.now().uptimeNanoseconds }
private func seconds(since start: UInt64) -> Double { Double(now() - start) * 1e-9 }
