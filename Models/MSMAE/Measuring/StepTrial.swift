import Apus
import Foundation

/// A step of a model, compiled, and run on random images as it would run in training or in use.
final class StepTrial {
    let compiler: Compiler
    let compiled: CompiledStep
    /// Seconds from the declaration to the program.
    let compilation: Double
    private let state: ProgramState
    private var inputs: RandomBatch

    init(
        _ step: NamedStep, of configuration: Configuration, batch: Int, options: CompilerOptions, threads: Int?,
        cache: ObjectCache? = .standard
    ) throws {
        let optimizer = Optimizer.adamW(learningRate: 1e-4, betas: (0.9, 0.95), weightDecay: 0.05, decays: .all)
        let declaration = step.declaration(of: try MaskedAutoencoder(configuration), batch: batch, optimizer: optimizer)
        let start = now()
        compiler = try Compiler(options, threads: threads, cache: cache)
        compiled = try declaration.compiled(by: compiler)
        compilation = seconds(since: start)
        state = try compiled.makeState(seed: 0)
        inputs = try RandomBatch(compiled.program.inputs, classes: configuration.classes)
    }

    /// Runs the step once and tells the seconds that it took.
    func run(observe: ((StepRun) -> Void)? = nil) throws -> Double {
        let start = now()
        _ = try compiled.run(state, inputs.next(), observe: observe)
        return seconds(since: start)
    }

    /// Runs the step some times and observes it: where the time goes on average, and when what took place in the last
    /// run.
    func observed(runs: Int) throws -> (profile: StepProfile, trace: StepTrace) {
        let precision = compiler.options.precision
        var profile = StepProfile(runs: runs, peak: try compiler.measurePeak(), precision: precision),
            last: [StepRun] = []
        for _ in 0..<runs {
            last = []
            _ = try run { last.append($0) }
            for run in last { profile.add(run) }
        }
        return (profile, StepTrace(last, name: compiled.program.name))
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
            case "images":
                inputs["images"] = try TensorData(
                    (0..<count).map { _ in Float.random(in: -2...2, using: &random) }, shape: shape)
            case "labels":
                inputs["labels"] = try TensorData(
                    (0..<count).map { _ in Int32.random(in: 0..<Int32(classes), using: &random) }, shape: shape)
            case "masks":
                inputs["masks"] = try TensorData(
                    (0..<count).map { _ in Float.random(in: 0...1, using: &random).rounded() }, shape: shape)
            case "mask_weights":
                inputs["mask_weights"] = try TensorData(
                    (0..<count).map { _ in Float.random(in: 0.01...1.01, using: &random) }, shape: shape)
            case "random_key": inputs["random_key"] = try TensorData([0, 0] as [Int32])
            default: break
            }
        }
    }

    mutating func next() throws -> [String: TensorData] {
        key += 1
        if inputs["random_key"] != nil { inputs["random_key"] = try TensorData([0, key]) }
        return inputs
    }
}

private func now() -> UInt64 { DispatchTime.now().uptimeNanoseconds }
private func seconds(since start: UInt64) -> Double { Double(now() - start) * 1e-9 }
