import Apus
import ApusInspection

extension ProgramExplanation {
    /// Compiles a step of a model, and runs it on random images.
    public init(
        _ step: NamedStep, of configuration: Configuration, batch: Int, options: CompilerOptions, threads: Int?,
        pinned: Bool = false
    ) throws {
        let trial = try StepTrial(
            step, of: configuration, batch: batch, options: options, threads: threads, pinned: pinned)
        let title =
            "\(step.rawValue), \(configuration.depth) blocks of \(configuration.dim), "
            + "images \(configuration.image) x \(configuration.image), "
            + "\(options.precision.rawValue), batch \(batch), \(trial.compiler.pool)"
        try self.init(trial.compiled, by: trial.compiler, title: title) { _ = try trial.run(observe: $0) }
    }
}
