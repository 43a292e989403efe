import Apus
import ArgumentParser
import MSMAE
import ToolOptions

struct Bench: ParsableCommand, RankedCommand {
    static let configuration = CommandConfiguration(
        abstract: "Time a step of pre-training or fine-tuning, or an inference, on random images.",
        discussion: "Started by mpirun, ranks take steps of training together; the first one says how long they took.")

    @Option(help: "What to run.")
    var task = NamedStep.pretrain

    @OptionGroup var model: PresetOptions
    @OptionGroup var machine: MachineOptions

    @Option(help: "Images in a batch, that of all ranks together.")
    var batch = 16

    @Option(help: "Numbers as which gradients travel between ranks.")
    var rankGradients = Compiler.Precision.float32

    @Flag(help: "Keep a part of the optimizer's state on each rank.")
    var divideState = false

    @Option(help: "Runs to time, after two that are not.")
    var steps = 5

    @Flag(help: "Print one line of JSON.")
    var json = false

    @Flag(help: "Also print the time that each step of the program takes.")
    var profile = false

    @OptionGroup var trace: TraceOptions

    func validate() throws {
        guard (1...4096).contains(batch) else {
            throw ValidationError("--batch is \(batch); it must be from 1 to 4096.")
        }
        guard (1...100_000).contains(steps) else {
            throw ValidationError("--steps is \(steps); it must be from 1 to 100000.")
        }
        guard !(json && profile) else {
            throw ValidationError("--json is one line, --profile a table: choose one of them.")
        }
    }

    func run() throws {
        try trace.check()
        let communicator = try Ranks.join(), ranks = communicator?.count ?? 1
        guard batch % ranks == 0 else {
            throw ValidationError("--batch is \(batch), which \(ranks) ranks cannot share evenly.")
        }
        var options = machine.options
        // Measurements, which may differ between ranks, would choose other programs.
        if ranks > 1, options.products == .auto { options.products = .generated }
        var benchmark = StepBenchmark(
            task, preset: model.preset, options: options, batch: batch / ranks, steps: steps, cache: machine.cache)
        (benchmark.communicator, benchmark.rankGradients) = (communicator, rankGradients)
        benchmark.dividesState = divideState
        let result = try benchmark.run(
            model.configuration(), threads: machine.workers.threads, pinned: machine.workers.pinned,
            observing: profile || trace.trace != nil)
        guard communicator?.rank ?? 0 == 0 else { return }
        print(json ? result.json(version: BuildDescription.version) : result.table)
        if profile, let profile = result.profile {
            print("\nmachine: \(profile.peak)\n\(profile.table)\n\n\(profile.layers)")
        }
        if let runs = result.trace { try trace.write(runs) }
    }
}

extension NamedStep: ExpressibleByArgument {}
