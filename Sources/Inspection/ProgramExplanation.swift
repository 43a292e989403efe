import Apus
import Foundation

/// What the compiler made of a graph, and what its program reaches on this machine.
public struct ProgramExplanation {
    private static let warmUps = 2, runs = 3

    /// When each step of the program ran, in the last run.
    public let trace: StepTrace
    private let title: String
    private let compilation: Compilation
    private let report: CompilationReport
    private let profile: StepProfile
    private let precision: CompilerOptions.Precision
    /// Seconds of a run that is not observed; the median of some.
    private let seconds: Double

    /// Runs a program a few times. `title` is the first line of the text; `run` runs it once, and hands its argument on
    /// as observer.
    public init(
        _ compiled: CompiledStep, by compiler: Compiler, title: String, run: (((StepRun) -> Void)?) throws -> Void
    ) throws {
        for _ in 0..<Self.warmUps { try run(nil) }
        let clock = ContinuousClock()
        let times = try (0..<Self.runs).map { _ in try clock.measure { try run(nil) } }
        seconds = times.sorted()[Self.runs / 2] / .seconds(1)
        (profile, trace) = try StepProfile.observed(compiled, by: compiler, runs: Self.runs) { try run($0) }
        compilation = compiled.compilation
        report = try compiler.report(on: compiled)
        precision = compiler.options.precision
        self.title = title
    }

    /// Compiles a graph, and runs it on random numbers: floating-point ones in ±1, integers 0.
    public init(_ graph: Graph, by compiler: Compiler) throws {
        let compiled = try compiler.compile(graph), state = try compiled.makeState(seed: 0)
        var random = SystemRandomNumberGenerator(), inputs: [String: TensorData] = [:]
        for input in compiled.program.inputs {
            var tensor = HostTensor(input.type)
            if input.type.element.isFloatingPoint {
                for place in tensor.values.indices { tensor.values[place] = Double.random(in: -1...1, using: &random) }
            }
            inputs[input.name] = TensorData(tensor)
        }
        let title = "\(graph.name), \(compiler.options.precision.rawValue), \(compiler.pool)"
        try self.init(compiled, by: compiler, title: title) { _ = try compiled.run(state, inputs, observe: $0) }
    }

    public var text: String {
        """
        \(title)
        compiled: \(compilation.timings.map { "\($0.stage) \(String(format: "%.2f s", $0.seconds))" }.joined(separator: ", "))

        REWRITES
        \(RewriteSummary(report.rewrites))

        KERNELS, in \(compilation.program.steps.count) steps\(preparation)
        machine: \(profile.peak)
        \(profile.table)

        LAYERS, forward and backward
        \(profile.layers)

        MEMORY
        \(memory)

        \(total)
        """
    }

    /// Steps that a run with the weights of the one before goes without.
    private var preparation: String {
        let count = compilation.program.preparationCount
        return count > 0 ? ", \(count) of them only when weights have changed" : ""
    }

    private var memory: String {
        let program = compilation.program, optimizer = program.optimizerBytes
        let parts = [
            (program.parameterBytes - optimizer, "parameters"), (optimizer, "optimizer state"),
            (program.constants.count, "constants"), (program.activationBytes - program.arenaBytes, "inputs"),
        ]
        return parts.map { String(format: "%9.1f MB               ", Double($0) / 1e6) + $1 + "\n" }.joined()
            + report.memory.text()
    }

    private var total: String {
        let operations = compilation.program.floatingPointOperations
        let share = profile.peak.share(operations: operations, bytes: 0, seconds: seconds, precision)
        return String(
            format: "a run takes %.4g s, %.3f GFLOP in matmuls: %.1f GFLOP/s, %.1f %% of the peak",
            seconds, Double(operations) / 1e9, Double(operations) / 1e9 / seconds, share * 100)
    }
}
