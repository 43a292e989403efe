import Apus
import ArgumentParser
import MSMAE

struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Time one step of pre-training, or one inference, on random images.")

    /// The steps whose PyTorch counterparts Tests/Benchmarks has.
    enum Task: String, CaseIterable, ExpressibleByArgument {
        case pretrain
        case pretrainRandom = "pretrain-random"
        case infer

        var step: NamedStep {
            switch self {
            case .pretrain: .pretrain
            case .pretrainRandom: .pretrainRandom
            case .infer: .infer
            }
        }
    }

    @Option(help: "What to run.")
    var task = Task.pretrain

    @OptionGroup var model: PresetOptions
    @OptionGroup var machine: MachineOptions

    @Option(help: "Images in a batch.")
    var batch = 16

    @Option(help: "Runs to time, after two that are not.")
    var steps = 5

    @Flag(help: "Print one line of JSON.")
    var json = false

    @Flag(help: "Also print the time that each step of the program takes.")
    var profile = false

    func validate() throws {
        guard (1...4096).contains(batch) else { throw ValidationError("--batch is \(batch); it must be from 1 to 4096.") }
        guard (1...100_000).contains(steps) else { throw ValidationError("--steps is \(steps); it must be from 1 to 100000.") }
        guard !(json && profile) else { throw ValidationError("--json is one line, --profile a table: choose one of them.") }
    }

    func run() throws {
        let benchmark = StepBenchmark(task.step, preset: model.preset, options: machine.options, batch: batch, steps: steps, cache: machine.cache)
        let result = try benchmark.run(model.configuration(), threads: machine.threads, profiling: profile)
        print(json ? result.json(version: MSMAETool.version) : result.table)
        if let profile = result.profile { print("\n\(profile.table)") }
    }
}
