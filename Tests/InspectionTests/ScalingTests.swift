import Apus
import Testing

import ApusInspection

/// Predictions for other numbers of threads, by steps whose times are made up.
struct ScalingTests {
    /// A step of pieces that take so long; all of them have different numbers of tiles unless they take as long.
    private func step(_ pieces: [Double], bytes: Int = 0, rest: Double = 0) -> MeasuredProgram.Step {
        MeasuredProgram.Step(name: "step", bytes: bytes, pieces: pieces.map { (Int($0), $0) }, rest: rest)
    }
    private var model: ThreadModel {
        var model = ThreadModel(handOver: 0.125, bytesPerSecond: 1e6, processors: 1)
        model.turn = 0.0625
        return model
    }

    /// Pieces go to the thread that is free first: 3 and 1+1 on two threads, 3 alone on three.
    @Test(arguments: [(1, 5.0), (2, 3.25), (3, 3.3125), (64, 3.3125)])
    func piecesGoToTheFirstThatIsFree(threads: Int, seconds: Double) {
        let time = model.time(of: step([1, 1, 3]), threads: 1)
        #expect(time.seconds == 5 && time.lost == 0)
        // The long piece comes last, so that two threads end late.
        let late = model.time(of: step([3, 1, 1]), threads: threads)
        #expect(abs(late.seconds - seconds) < 1e-12, "\(late)")
        #expect(abs(late.seconds - (5 / Double(threads) + late.lateness + late.handOver)) < 1e-12)
    }

    @Test func theOrderOfPiecesCounts() {
        #expect(model.time(of: step([1, 1, 3]), threads: 2).seconds == 4.25)
        #expect(model.time(of: step([3, 1, 1]), threads: 2).seconds == 3.25)
    }

    /// What is more: bytes at a million a second for each thread, or the work; what caches hold costs nothing, nor what
    /// pieces have been timed with.
    @Test func memoryIsShared() {
        let time = model.time(of: step([1, 1], bytes: 10_000_000), threads: 2)
        #expect(time.memory == 4 && time.seconds == 5.25)
        #expect(model.time(of: step([10, 10], bytes: 10_000_000), threads: 2).memory == 0)
        #expect(model.time(of: step([1, 1], bytes: 4 << 20), threads: 2).memory == 0)
        #expect(model.time(of: step([1, 1], bytes: 10_000_000), threads: 1).memory == 0)
    }

    /// Of pieces with as many tiles, each counts as their median: one of them has been disturbed.
    @Test func disturbedPieces() {
        let pieces: [(tiles: Int, seconds: Double)] = [(8, 1), (8, 9), (8, 1), (3, 0.5)]
        let time = model.time(
            of: MeasuredProgram.Step(name: "step", bytes: 0, pieces: pieces, rest: 0), threads: 1)
        #expect(time.seconds == 3.5)
    }

    /// A step that nobody works on, and one of a single piece, are handed to nobody.
    @Test func whatIsNotHandedOver() {
        #expect(model.time(of: step([], rest: 0.5), threads: 8).seconds == 0.5)
        #expect(model.time(of: step([2]), threads: 8).handOver == 0)
    }

    /// Two sums, of which the second waits for the first on the way: at 8 bytes a second 2 ranks take 1 and 2 s for
    /// them, and half a second for each of two messages.
    @Test func sumsTravelWhileARankComputes() {
        let step = RankedStep([
            .computes(seconds: 1), .begins(.allReduce, number: 0, bytes: 8), .computes(seconds: 1),
            .begins(.allReduce, number: 1, bytes: 16),
            .computes(seconds: 0.5), .finishes(number: 0), .computes(seconds: 0.25), .finishes(number: 1),
            .computes(seconds: 0.25),
        ])
        let network = NetworkModel(bytesPerSecond: 8, latency: 0.5)
        func seconds(_ kind: Collective.Kind, bytes: Int, ranks: Int) -> Double {
            network.seconds(of: kind, bytes: bytes, ranks: ranks)
        }
        #expect(seconds(.allReduce, bytes: 8, ranks: 2) == 2 && seconds(.allReduce, bytes: 16, ranks: 2) == 3)
        // A sum is scattered and gathered.
        for kind in [Collective.Kind.reduceScatter, .allGather] { #expect(seconds(kind, bytes: 16, ranks: 2) == 1.5) }
        // The first is there at 3, when 0.5 of waiting are over; the second at 6.
        let time = network.time(of: step, ranks: 2)
        #expect(time.waiting == 0.5 + 2.75 && time.seconds == 6.25)
        #expect(
            step.seconds == 3 && step.collectives.map(\.begins) == [1, 2]
                && step.collectives.map(\.isNeeded) == [2.5, 2.75])
        // Of more ranks, each sends nearly twice the bytes, in more messages.
        #expect(seconds(.allReduce, bytes: 8, ranks: 4) == 6 * (0.25 + 0.5))
        let free = NetworkModel(bytesPerSecond: 1e30, latency: 0).time(of: step, ranks: 64)
        #expect(abs(free.seconds - 3) < 1e-12 && free.waiting < 1e-12)
    }

    /// A step as one process and as one of several ranks, for two networks.
    @Test func reportOfRanks() throws {
        let step = TrainingStep(optimizer: .sgd(learningRate: 0.1)) {
            Loss(mean(Linear(6, 4).named("head")(Input("x", [3, 6]))))
        }
        func trial(_ communicator: (any Communicator)?) throws -> StepTrial {
            try StepTrial(CompilerOptions(products: .generated), threads: 1, communicator: communicator) {
                try $0.compile(step)
            }
        }
        let networks = [1e8, 1e9].map { NetworkModel(bytesPerSecond: $0, latency: 1e-5) }
        let lines = try RankScalingReport(
            alone: trial(nil), ranked: trial(RankWithoutOthers(of: 2)), rounds: 2, machines: [2, 64],
            networks: networks, title: "a step"
        ).text.split(separator: "\n")
        #expect(lines[0] == "a step" && lines[1].hasSuffix("and 2 collectives of 0.000 MB travel"), "\(lines)")
        #expect(lines[2].contains("machines  0.8 Gbit/s: s") && lines[2].contains("8 Gbit/s: s"), "\(lines)")
        #expect(lines[3].hasPrefix("       2 ") && lines[4].hasPrefix("      64 ") && lines.count == 9, "\(lines)")
    }

    /// A graph, measured and predicted: a row for each number of threads, and what is lost.
    @Test func report() throws {
        let graph = try Graph(
            parsing: """
                graph @f {
                  %0 = input {name = "x"} : f32[512,256]
                  %1 = exp %0 : f32[512,256]
                  %2 = dot %1, %1 {left_batch = [], right_batch = [], left_contracting = [1], right_contracting = [1]} : f32[512,512]
                  return "y" %2
                }
                """)
        var trials: [StepTrial] = []
        for threads in [1, 4] {
            trials.append(
                try StepTrial(CompilerOptions(products: .generated), threads: threads, cache: nil) {
                    try $0.compile(graph)
                })
        }
        let report = try ScalingReport(
            trials, rounds: 2, model: ThreadModel(handOver: 1e-6, bytesPerSecond: 1e10, processors: 1), title: "f")
        let lines = report.text.split(separator: "\n")
        #expect(lines[0] == "f" && lines[1].hasPrefix("predicted for 10.0 GB/s of memory for each thread, and 1.00 µs"))
        #expect(lines[2].contains("last pieces") && lines[3].hasPrefix("      1") && lines[4].hasPrefix("      4"))
        #expect(lines.contains { $0.hasPrefix("where 4 threads lose most") })
        // Steps of the same name are one row.
        let names = lines.suffix(2).compactMap { $0.split(separator: "  ").last.map { $0.trimmingPrefix(" ") } }
        #expect(Set(names) == ["copy", "matmul 1x512x512x256"], "\(report.text)")
    }
}
