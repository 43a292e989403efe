import ApusCodegen
import ApusFuzzing
import ApusIR
import Foundation
import Testing

/// Random graphs give the interpreter's results through the whole compiler.
///
/// `APUS_SEED` is the first seed, `APUS_GRAPHS` their number.
struct RandomGraphTests {
    private static let environment = ProcessInfo.processInfo.environment
    private static let first = environment["APUS_SEED"].flatMap(UInt64.init) ?? 0
    private static let count = environment["APUS_GRAPHS"].flatMap(UInt64.init) ?? 2000

    /// Seeds in portions, which run side by side.
    private static func portions(_ count: UInt64) -> [Range<UInt64>] {
        stride(from: first, to: first + count, by: 25).map { $0..<min($0 + 25, first + count) }
    }
    static let all = portions(count)
    static let some = portions(min(count, 200))

    /// In fp32 and bf16, with gradients and without, by the library and by generated kernels, on lesser machines too.
    @Test(arguments: all)
    func matchInterpreter(seeds: Range<UInt64>) throws {
        var sensitive: [UInt64] = []
        for seed in seeds {
            let fuzzCase = try FuzzCase(seed: seed)
            switch fuzzCase.verdict() {
            case .same: break
            case .sensitive: sensitive.append(seed)
            case .different(let failure):
                Issue.record(
                    """
                    \(failure) (\(fuzzCase.comparison))
                    reduced by: apus fuzz --count 1 \(fuzzCase.arguments)
                    """)
            }
        }
        #expect(sensitive.count <= 4, "too many of these seeds say nothing: \(sensitive)")
    }

    @Test(arguments: some)
    func areTheSameOnAnyNumberOfThreads(seeds: Range<UInt64>) throws {
        for seed in seeds {
            let graph = try RandomGraph(seed: seed, .init(steps: 5)).graph,
                inputs = randomInputs(for: graph, seed: seed)
            try expectSameBits(graph, inputs: inputs, threads: [2, 5], cache: sharedCache, "seed \(seed)")
        }
    }
}
