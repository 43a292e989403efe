import Apus
import Foundation

/// What the compiler made of a step, and what the step reaches on this machine.
public struct StepExplanation {
    private static let warmUps = 2, runs = 3

    /// When each step of the program ran, in the last run.
    public let trace: StepTrace
    private let title: String
    private let compilation: Compilation
    private let profile: StepProfile
    private let precision: CompilerOptions.Precision
    /// Seconds of a run that is not observed; the median of some.
    private let seconds: Double

    /// Compiles the step, and runs it a few times on random images.
    public init(_ step: NamedStep, of configuration: Configuration, batch: Int, options: CompilerOptions, threads: Int?)
        throws
    {
        let trial = try StepTrial(step, of: configuration, batch: batch, options: options, threads: threads)
        for _ in 0..<Self.warmUps { _ = try trial.run() }
        seconds = try (0..<Self.runs).map { _ in try trial.run() }.sorted()[Self.runs / 2]
        (profile, trace) = try trial.observed(runs: Self.runs)
        compilation = trial.compiled.compilation
        precision = options.precision
        title =
            "\(step.rawValue), \(configuration.depth) blocks of \(configuration.dim), images \(configuration.image) x \(configuration.image), "
            + "\(precision.rawValue), batch \(batch), threads \(trial.compiler.pool.threads)"
    }

    public var text: String {
        """
        \(title)
        compiled: \(compilation.timings.map { "\($0.stage) \(String(format: "%.2f s", $0.seconds))" }.joined(separator: ", "))

        REWRITES
        \(RewriteSummary(compilation.rewrites))

        KERNELS, in \(compilation.program.steps.count) steps
        machine: \(profile.peak)
        \(profile.table)

        MEMORY
        \(memory)

        \(total)
        """
    }

    private var memory: String {
        let program = compilation.program, optimizer = program.optimizerBytes
        let parts = [
            (program.parameterBytes - optimizer, "parameters"), (optimizer, "optimizer state"),
            (program.constants.count, "constants"),
        ]
        return parts.map { String(format: "%9.1f MB               ", Double($0) / 1e6) + $1 + "\n" }.joined()
            + compilation.memory.text()
    }

    private var total: String {
        let operations = compilation.program.floatingPointOperations
        let share = profile.peak.share(operations: operations, bytes: 0, seconds: seconds, precision)
        return String(
            format: "a run takes %.4g s, %.3f GFLOP in products: %.1f GFLOP/s, %.1f %% of the peak",
            seconds, Double(operations) / 1e9, Double(operations) / 1e9 / seconds, share * 100)
    }
}
