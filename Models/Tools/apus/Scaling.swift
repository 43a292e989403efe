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

            With --machines: predicts a step of training on so many machines, each with a batch of its own, from the time that one \
            takes here, for networks of some speeds. The efficiency is 100 % where it takes as long as on one.
            """)

    @Argument(help: "The graph: \(GraphArgument.list).")
    var graph: GraphArgument

    @OptionGroup var model: ModelOptions
    @OptionGroup var dimensions: DimensionOptions

    @Option(
        help:
            "Numbers of threads; others are compared with the first (default: 1,2,4,8,16,32,64). With --machines one number, that of each machine."
    )
    var threads: String?

    @Option(help: "Numbers of machines to predict a step of training for, such as 2,4,8,16,32,64.")
    var machines: String?

    @Option(
        help: ArgumentHelp(
            "Speeds of the network between machines, each way, separated by commas.", valueName: "Gbit/s"))
    var network = "1,10,100"

    @Option(help: ArgumentHelp("Time until a message has arrived.", valueName: "µs"))
    var latency = 20.0

    @Option(help: "Numbers as which gradients travel between machines.")
    var rankGradients = Compiler.Precision.float32

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
        if let machines {
            _ = (try numbers(machines, "machines", 2...65536), try networks())
            guard try counts(or: "1").count == 1 else {
                throw ValidationError("--threads is \(threads ?? ""); with --machines it is one number.")
            }
            guard case .shipped(let shipped) = graph, shipped.step.trains else {
                throw ValidationError("--machines predicts steps of training that ship with Apus, and this is none.")
            }
        }
        _ = try counts()
        guard (1...100).contains(rounds) else {
            throw ValidationError("--rounds is \(rounds); it must be from 1 to 100.")
        }
        guard bandwidth > 0, bandwidth.isFinite else {
            throw ValidationError("--bandwidth is \(bandwidth); it must be more than 0.")
        }
    }

    func run() throws {
        if let machines { return try predictRanks(numbers(machines, "machines", 2...65536)) }
        var trials: [StepTrial] = []
        for count in try counts() { trials.append(try trial(threads: count, sharing: trials.first?.state)) }
        let threadModel = ThreadModel.measured(bytesPerSecond: bandwidth * 1e9)
        let title = "\(name), \(compilation.options.precision.rawValue), measured on \(WorkerPool())"
        print(try ScalingReport(trials, rounds: rounds, model: threadModel, title: title).text)
    }

    /// A step of several machines; their number alone makes no other program.
    private func predictRanks(_ machines: [Int]) throws {
        let threads = try threads == nil ? nil : counts().first
        let alone = try trial(threads: threads, sharing: nil)
        let ranked = try trial(threads: threads, sharing: nil, RankWithoutOthers(of: 2))
        let title =
            "\(name) for each machine, \(compilation.options.precision.rawValue), gradients travel as "
            + "\(rankGradients.rawValue), measured on \(alone.compiler.pool)"
        print(
            try RankScalingReport(
                alone: alone, ranked: ranked, rounds: rounds, machines: machines, networks: networks(), title: title
            ).text)
    }

    /// The numbers of threads.
    private func counts(or all: String = "1,2,4,8,16,32,64") throws -> [Int] {
        try numbers(threads ?? all, "threads", 1...ThreadChoice.most)
    }

    private func numbers(_ list: String, _ option: String, _ allowed: ClosedRange<Int>) throws -> [Int] {
        try list.split(separator: ",", omittingEmptySubsequences: false).map { text in
            guard let count = Int(text), allowed.contains(count) else {
                throw ValidationError(
                    "--\(option) is \(list); it must be numbers from \(allowed.lowerBound) to \(allowed.upperBound), such as "
                        + "2,4,8.")
            }
            return count
        }
    }

    private func networks() throws -> [NetworkModel] {
        guard latency >= 0, latency.isFinite else {
            throw ValidationError("--latency is \(latency); it must be 0 or more.")
        }
        return try network.split(separator: ",", omittingEmptySubsequences: false).map { text in
            guard let speed = Double(text), speed > 0, speed.isFinite else {
                throw ValidationError("--network is \(network); it must be numbers above 0, such as 1,10,100.")
            }
            return NetworkModel(bytesPerSecond: speed * 1e9 / 8, latency: latency * 1e-6)
        }
    }

    private var name: String {
        switch graph {
        case .file(let path): path
        case .shipped(let shipped): "\(shipped.name) of \(model.preset ?? "demo"), batch \(model.batch ?? 8)"
        }
    }

    private func trial(
        threads: Int?, sharing state: ProgramState?, _ communicator: (any Communicator)? = nil
    ) throws -> StepTrial {
        let options = compilation.options, cache = compilation.cache
        switch graph {
        case .file(let path):
            let graph = try NamedGraph(contentsOf: path, dimensions).graph
            return try StepTrial(options, threads: threads, cache: cache, state: state) { try $0.compile(graph) }
        case .shipped(let shipped):
            return try StepTrial(
                shipped.step, of: model.configuration, batch: model.batch ?? 8, options: options, threads: threads,
                cache: cache, communicator: communicator, rankGradients: rankGradients, state: state)
        }
    }
}
