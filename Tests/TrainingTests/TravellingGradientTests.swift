import Apus
import Testing

/// Gradients that travel between ranks as bf16: how many bytes that is, and what the weights come to.
struct TravellingGradientTests {
    /// Counts what is added up over ranks, by type.
    private final class Counter: Communicator, @unchecked Sendable {  // its rank's thread alone uses it
        private let ranks: any Communicator
        private(set) var bytes: [ElementType: Int] = [:]

        init(_ ranks: any Communicator) { self.ranks = ranks }

        var rank: Int { ranks.rank }
        var count: Int { ranks.count }
        var localCount: Int { ranks.localCount }

        func begin(
            _ kind: Collective.Kind, _ elements: UnsafeMutableRawBufferPointer, of element: ElementType
        ) throws(RuntimeError) {
            bytes[element, default: 0] += elements.count
            try ranks.begin(kind, elements, of: element)
        }

        func finish() throws(RuntimeError) { try ranks.finish() }
    }

    private struct Trained: Sendable {
        let state: ProgramState, bytes: [ElementType: Int]
    }

    /// Trains for three steps, and says what each rank has come to and sent.
    private static func train(
        _ ranks: Int, _ gradients: Compiler.Precision, computing precision: Compiler.Precision = .float32
    ) throws -> [Trained] {
        try ThreadRanks.run(ranks) { communicator in
            let counter = Counter(communicator), optimizer = Optimizer.sgd(learningRate: 0.1, momentum: 0.9)
            let compiler = try Compiler(
                CompilerOptions(precision: precision, products: .generated), threads: 1, communicator: counter,
                rankGradients: gradients)
            let program = try compiler.compile(RankTests.step(batch: 12 / ranks, optimizer))
            let state = try program.makeState(seed: 5)
            for run in 0..<3 {
                let start = run * 12 + communicator.rank * 12 / ranks
                _ = try program.run(state, RankTests.inputs(start..<start + 12 / ranks))
            }
            return Trained(state: state, bytes: counter.bytes)
        }
    }

    /// Half the bytes, on all ranks the same bits, and weights near those of f32: bf16 has 8 bits, and the error of a
    /// gradient is that of its largest numbers.
    @Test(arguments: [2, 3], [Compiler.Precision.float32, .bfloat16])
    func halfTheBytesTravel(ranks: Int, precision: Compiler.Precision) throws {
        let wide = try Self.train(ranks, .float32, computing: precision)
        let narrow = try Self.train(ranks, .bfloat16, computing: precision)
        let initial = try Compiler(CompilerOptions(products: .generated), threads: 1)
            .compile(RankTests.step(batch: 4, .sgd(learningRate: 0))).makeState(seed: 5)
        let scalars = 3 * 2 * 4
        for (rank, result) in narrow.enumerated() {
            let bytes = wide[rank].bytes[.f32, default: 0] - scalars
            #expect(bytes > 3 * 4 * 1_100_000 && wide[rank].bytes[.bf16] == nil)
            // Loss and accuracy stay f32.
            #expect(result.bytes == [.f32: scalars, .bf16: bytes / 2])
            #expect(try haveSameBits(result.state, narrow[0].state), "rank \(rank) of \(ranks)")
            for name in initial.names where name.hasSuffix("weight") || name.hasSuffix("bias") {
                let start = try initial.read(name).floats, a = try result.state.read(name).floats,
                    b = try wide[rank].state.read(name).floats
                let error = zip(a, b).map { abs($0 - $1) }.max() ?? 0
                let way = zip(start, b).map { abs($0 - $1) }.max() ?? 0
                #expect(way > 0 && error < 0.02 * way && error > 0, "\(name): \(error) of \(way)")
            }
        }
    }

    /// One rank alone sends nothing, and rounds nothing.
    @Test func oneRankRoundsNothing() throws {
        let alone = try [Compiler.Precision.float32, .bfloat16].map { try Self.train(1, $0)[0] }
        #expect(try alone[1].bytes.isEmpty && haveSameBits(alone[0].state, alone[1].state))
    }

    /// Loss and metrics travel as they are.
    @Test func onlyGradientsAreNarrow() throws {
        let graph = try RankTests.step(batch: 4, .sgd(learningRate: 0.1)).trace(ranks: 3).wholeGraph(
            rankGradients: .bf16)
        let sums = graph.nodes.filter { $0.operation is AllReduce }.map(\.type.element)
        // Two bytes for each number: one message has room for all.
        #expect(sums == [.f32, .bf16])
    }
}
