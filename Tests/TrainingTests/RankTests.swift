import Apus
import ApusIR
import Foundation
import Testing

/// Training steps on ranks that are threads: what the weights follow, and that all ranks have the same bits.
struct RankTests {
    /// A classifier whose weights travel in several messages, with running statistics.
    static func step(batch: Int, _ optimizer: Optimizer, drops: Bool = false) -> TrainingStep {
        TrainingStep(optimizer: optimizer) {
            let labels = Input("labels", [batch], .int32)
            let logits = Sequential {
                Linear(6, 1100).named("first")
                GELU()
                if drops { Dropout(0.4) }
                Linear(1100, 1000).named("wide")
                LayerNorm(1000)
                Linear(1000, 3).named("head")
            }(Input("x", [batch, 6]))
            Loss(crossEntropy(logits, labels))
            Metric("accuracy", accuracy(logits, labels))
        }
    }

    /// Samples of some places.
    static func inputs(_ places: Range<Int>) throws -> [String: TensorData] {
        var numbers: [Float] = []
        for place in places { for column in 0..<6 { numbers.append(Float((place * 13 + column * 7) % 31) / 8 - 2) } }
        return try [
            "x": TensorData(numbers, shape: [places.count, 6]), "labels": TensorData(places.map { Int32($0 % 3) }),
        ]
    }

    private static func compiler(_ communicator: (any Communicator)? = nil) throws -> Compiler {
        try Compiler(CompilerOptions(products: .generated), threads: 1, communicator: communicator)
    }

    /// The state, losses and accuracies after some runs of each of some uses of the gradient, by rank.
    private static func trained(
        _ ranks: Int, batch: Int, runs: Int, _ optimizer: Optimizer, drops: Bool = false,
        _ uses: [Set<TracedStep.GradientUse>] = [[.update]]
    ) throws -> [(state: ProgramState, numbers: [[Float]])] {
        try ThreadRanks.run(ranks) { communicator in
            let step = step(batch: batch, optimizer, drops: drops), compiler = try compiler(communicator)
            let programs = try uses.map { try compiler.compile(step, $0) }
            let state = try programs[uses.count - 1].makeState(seed: 5)
            let numbers = try (0..<runs).map { run -> [Float] in
                let start = (run * ranks + communicator.rank) * batch
                let report = try programs[run % uses.count].run(state, inputs(start..<start + batch))
                return [report.loss, report["accuracy"]?.scalar ?? .nan]
            }
            return (state, numbers)
        }
    }

    static func expectAlike(
        _ a: ProgramState, _ b: ProgramState, _ comment: String, tolerance: Float = 1e-4
    ) throws {
        for name in a.names {
            let (x, y) = (try a.read(name).floats, try b.read(name).floats)
            let error = zip(x, y).map { abs($0 - $1) }.max() ?? 0, scale = y.map(abs).max() ?? 0
            #expect(error <= tolerance * (scale + 1e-2), "\(comment): \(name) differs by \(error)")
        }
    }

    /// Ranks that share a batch do what one rank does with the whole batch: the mean of means of equal parts is the
    /// mean.
    @Test(arguments: [1, 2, 4])
    func sharesAreTheWhole(ranks: Int) throws {
        let optimizer = Optimizer.sgd(learningRate: 0.1, momentum: 0.9).clippingGradients(toNorm: 0.2)
        let whole = try Self.trained(1, batch: 8, runs: 3, optimizer)[0]
        let shares = try Self.trained(ranks, batch: 8 / ranks, runs: 3, optimizer)
        for (rank, share) in shares.enumerated() {
            try Self.expectAlike(share.state, whole.state, "rank \(rank) of \(ranks)")
            for (a, b) in zip(share.numbers.joined(), whole.numbers.joined()) { #expect(abs(a - b) < 1e-4) }
            #expect(try haveSameBits(share.state, shares[0].state), "rank \(rank) of \(ranks)")
            #expect(share.numbers == shares[0].numbers)
        }
    }

    /// Gradients are accumulated on each rank, and added up over ranks once for each update.
    @Test func accumulatedGradients() throws {
        let optimizer = Optimizer.sgd(learningRate: 0.1).clippingGradients(toNorm: 0.2)
        let uses: [Set<TracedStep.GradientUse>] = [[.accumulate(of: 2)], [.updateWithAccumulated(of: 2)]]
        let whole = try Self.trained(1, batch: 8, runs: 4, optimizer, uses)[0]
        let shares = try Self.trained(2, batch: 4, runs: 4, optimizer, uses)
        for share in shares { try Self.expectAlike(share.state, whole.state, "accumulated") }
        let sums = try Self.step(batch: 4, optimizer).trace(ranks: 2).wholeGraph(uses[0]).nodes.filter {
            $0.operation is AllReduce
        }
        // Loss and accuracy alone.
        #expect(sums.map(\.type.count) == [2])
    }

    /// Messages of some MB, the gradients of the last layers first; what is as large travels alone.
    @Test func gradientsTravelInBuckets() throws {
        let graph = try Self.step(batch: 4, .sgd(learningRate: 0.1)).trace(ranks: 3).wholeGraph()
        let sums = graph.nodes.filter { $0.operation is AllReduce }.map(\.type.count)
        let head = 3 + 3000, norm = 2000, wide = 1000 + 1_100_000, first = 1100 + 6600
        #expect(sums == [2, head + norm + wide, first])
        let program = try GraphCompiler(CompilerOptions(products: .generated)).compile(graph).program
        #expect(program.collectives.map(\.type.count) == sums)
    }

    /// What layers draw is another thing on each rank, and the weights are the same nevertheless.
    @Test func ranksDrawForThemselves() throws {
        let shares = try Self.trained(2, batch: 4, runs: 3, .adamW(learningRate: 0.01), drops: true)
        let keys = try shares.map { try $0.state.read("random.key").integers }
        #expect(keys[0] == [5, 3] && keys[1] != keys[0] && keys[1][1] == 3)
        for name in shares[0].state.names where name != "random.key" {
            #expect(try shares[0].state.read(name) == shares[1].state.read(name), "\(name)")
        }
    }

    /// A program that is the first to draw gives each rank a key of its own, whatever ran before.
    @Test func aKeyThatAppearsLater() throws {
        let keys = try ThreadRanks.run(2) { communicator in
            let compiler = try Self.compiler(communicator), optimizer = Optimizer.sgd(learningRate: 0.1)
            let state = try compiler.compile(Self.step(batch: 4, optimizer)).makeState(seed: 5)
            let program = try compiler.compile(Self.step(batch: 4, optimizer, drops: true))
            for _ in 0..<2 { try program.addParameters(to: state, seed: 5) }
            return try state.read("random.key").integers
        }
        #expect(keys[0] == [5, 0] && keys[1][0] != 5)
    }

    /// Running statistics are those of the whole batch.
    @Test func runningStatistics() throws {
        let states = try ThreadRanks.run(2) { communicator in
            let step = TrainingStep(optimizer: .sgd(learningRate: 0)) {
                Loss(mean(BatchNorm(2)(Input("x", [2, 2, 1, 1]))))
            }
            let program = try Self.compiler(communicator).compile(step), state = try program.makeState(seed: 0)
            let rank = Float(communicator.rank)
            _ = try program.run(state, ["x": TensorData([rank, 2, rank, 4], shape: [2, 2, 1, 1])])
            return state
        }
        // A tenth of the means 0.5 and 3, and of the variances 1/3 and 4/3.
        let expected: [String: [Float]] = [
            "running_mean": [0.05, 0.3], "running_var": [0.9 + 0.1 / 3, 0.9 + 0.4 / 3],
        ]
        for (suffix, expected) in expected {
            let name = try #require(states[0].names.first { $0.hasSuffix(suffix) })
            for state in states {
                let found = try state.read(name).floats
                #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 1e-6 }, "\(name): \(found)")
            }
        }
    }
}
