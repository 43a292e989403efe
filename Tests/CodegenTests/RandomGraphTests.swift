import ApusCodegen
import ApusIR
import ApusLLVM
import ApusRuntime
import ApusTestSupport
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
    /// Those that are compiled in other ways too.
    static let some = portions(min(count, 200))

    /// Most graphs are small, so that there can be many; what goes wrong in one kernel does so in a small graph.
    private func random(_ seed: UInt64, gradients: Bool? = nil) -> RandomGraph {
        RandomGraph(seed: seed, steps: seed % 8 == 0 ? 14 : 5, gradients: gradients)
    }

    /// The tolerance is the one within which these graphs stay if the interpreter rounds to f32 after each node. It
    /// bounds an element by the largest of its tensor, since a gradient may be the small difference of large terms, and
    /// there the error of correct kernels is that of the terms.
    private func expectMatches(
        _ seeds: Range<UInt64>, gradients: Bool? = nil, tolerance: Double = 2e-4,
        _ options: CompilerOptions = CompilerOptions(),
        target: TargetDescription? = nil, _ comment: String = ""
    ) throws {
        for seed in seeds {
            let graph = random(seed, gradients: gradients).graph
            try expectMatchesInterpreter(
                graph, inputs: randomInputs(for: graph, seed: seed),
                parameters: randomParameters(for: graph, seed: seed),
                tolerance: tolerance, by: largestError, options: options, target: target, cache: sharedCache,
                "seed \(seed) \(comment)")
        }
    }

    @Test(arguments: all)
    func matchInterpreter(seeds: Range<UInt64>) throws { try expectMatches(seeds) }

    @Test(arguments: some)
    func matchWithTheLibrarysProducts(seeds: Range<UInt64>) throws {
        try expectMatches(seeds, CompilerOptions(products: .openblas), "openblas")
    }

    /// Numbers in bf16 are off by up to 2⁻⁹; a few products and what follows them add up to a few per cent of the
    /// largest element. Only graphs with gradients: in others a comparison may turn over.
    @Test(arguments: some)
    func matchInMixedPrecision(seeds: Range<UInt64>) throws {
        try expectMatches(seeds, gradients: true, tolerance: 3e-2, CompilerOptions(precision: .bfloat16), "bf16")
    }

    @Test(arguments: TargetLevelTests.levels.dropFirst(), some)
    func matchOnLesserMachines(_ level: TargetDescription.Level, seeds: Range<UInt64>) throws {
        try expectMatches(seeds, target: TargetDescription.host().restricted(to: level), "\(level)")
    }

    @Test(arguments: some)
    func areTheSameOnAnyNumberOfThreads(seeds: Range<UInt64>) throws {
        for seed in seeds {
            let graph = random(seed).graph, inputs = randomInputs(for: graph, seed: seed)
            try expectSameBits(graph, inputs: inputs, threads: [2, 5], cache: sharedCache, "seed \(seed)")
        }
    }
}
