import Apus
import ApusInspection
import ArgumentParser
import MSMAE
import ToolOptions

struct Scaling: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Measure how a step gets faster with the number of threads, and predict it for more than there are here.",
        discussion: """
            Compiles the step for each number of threads, times its pieces of work on the processors that there are, and simulates how \
            so many threads take them, step by step, with what it costs to hand a step over and what the memory gives. Prints the \
            efficiency, which is 100 % where twice the threads take half the time, and where it is lost.
            """)

    @Argument(help: "The graph: \(GraphArgument.list).")
    var graph: GraphArgument

    @OptionGroup var model: ModelOptions
    @OptionGroup var dimensions: DimensionOptions

    @Option(help: "Numbers of threads; others are compared with the first.")
    var threads = "1,2,4,8,16,32,64"

    @Option(help: "Times that each program is observed; the fastest count.")
    var rounds = 3

    @Option(
        help: ArgumentHelp(
            "Gigabytes a second that the memory reads and writes for each thread while all work: 12 channels of DDR5-4800 for 64 cores have 7.2.",
            valueName: "GB/s"))
    var bandwidth = 7.0

    @OptionGroup var compilation: CompilationOptions

    func validate() throws {
        try model.check(graph)
        _ = try counts()
        guard (1...100).contains(rounds) else {
            throw ValidationError("--rounds is \(rounds); it must be from 1 to 100.")
        }
        guard bandwidth > 0, bandwidth.isFinite else {
            throw ValidationError("--bandwidth is \(bandwidth); it must be more than 0.")
        }
    }

    func run() throws {
        var trials: [StepTrial] = []
        for count in try counts() { trials.append(try trial(threads: count, sharing: trials.first?.state)) }
        let threadModel = ThreadModel.measured(bytesPerSecond: bandwidth * 1e9)
        let title = "\(name), \(compilation.options.precision.rawValue), measured on \(WorkerPool())"
        print(try ScalingReport(trials, rounds: rounds, model: threadModel, title: title).text)
    }

    /// The numbers of threads.
    private func counts() throws -> [Int] {
        try threads.split(separator: ",", omittingEmptySubsequences: false).map { text in
            guard let count = Int(text), (1...ThreadChoice.most).contains(count) else {
                throw ValidationError(
                    "--threads is \(threads); it must be numbers from 1 to \(ThreadChoice.most), such as 1,2,4.")
            }
            return count
        }
    }

    private var name: String {
        switch graph {
        case .file(let path): path
        case .shipped(let shipped): "\(shipped.name) of \(model.preset ?? "demo"), batch \(model.batch ?? 8)"
        }
    }

    private func trial(threads: Int, sharing state: ProgramState?) throws -> StepTrial {
        let options = compilation.options, cache = compilation.cache
        switch graph {
        case .file(let path):
            let graph = try NamedGraph(contentsOf: path, dimensions).graph
            return try StepTrial(options, threads: threads, cache: cache, state: state) { try $0.compile(graph) }
        case .shipped(let shipped):
            return try StepTrial(
                shipped.step, of: model.configuration, batch: model.batch ?? 8, options: options, threads: threads,
                cache: cache, state: state)
        }
    }
}
