import Apus
import Foundation

/// Compiles the programs of a run when they are first needed, and keeps those of the current phase.
final class PreTrainingPrograms {
    /// The training programs of one masking: one for all batches of an update but the last, one for the last.
    struct Update {
        let accumulate: CompiledStep?
        let update: CompiledStep
    }

    private let compiler: Compiler
    private let model: MaskedAutoencoder
    private let settings: PreTrainingSettings
    private let output: TrainingOutput
    private var current: (masking: Masking, programs: Update)?
    private var map: CompiledStep?

    init(_ model: MaskedAutoencoder, _ settings: PreTrainingSettings, _ output: TrainingOutput) throws {
        (self.model, self.settings, self.output) = (model, settings, output)
        compiler = try Compiler(settings.compilerOptions, threads: settings.threads)
    }

    /// The programs that train with a masking; those of the other one are let go.
    func training(_ masking: Masking) throws -> Update {
        if let current, current.masking == masking { return current.programs }
        current = nil
        let step = model.preTraining(batch: settings.batch, masking: masking, optimizer: settings.optimizer)
        let count = settings.accumulation
        let programs = try timed("a training step with \(masking) masking") {
            guard count > 1 else { return Update(accumulate: nil, update: try compiler.compile(step)) }
            return Update(
                accumulate: try compiler.compile(step, [.accumulate(of: count)]),
                update: try compiler.compile(step, [.updateWithAccumulated(of: count)]))
        }
        current = (masking, programs)
        return programs
    }

    /// The program that computes the attention maps of a batch.
    func attentionMap() throws -> CompiledStep {
        if let map { return map }
        let program = try timed("the attention maps") { try compiler.compile(model.attentionMap(batch: settings.batch)) }
        map = program
        return program
    }

    private func timed<Result>(_ what: String, _ compile: () throws -> Result) throws -> Result {
        let (result, seconds) = try Clock.time(compile)
        output.say("compiled \(what) in \(String(format: "%.1f", seconds)) s")
        return result
    }
}

extension CompiledStep {
    /// Gives the state the parameters that this program needs and it has not got.
    func addParameters(to state: ProgramState, seed: Int) throws { try state.add(program.parameters, seed: UInt64(seed)) }
}
