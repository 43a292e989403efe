import ApusCodegen
import ApusIR
import ApusTestSupport
import Foundation
import Testing

/// Random graphs give the interpreter's results through the whole compiler.
///
/// `APUS_SEED` is the first seed, `APUS_GRAPHS` their number.
struct RandomGraphTests {
    static let seeds: Range<UInt64> = {
        let environment = ProcessInfo.processInfo.environment
        let first = environment["APUS_SEED"].flatMap(UInt64.init) ?? 0
        return first..<first + (environment["APUS_GRAPHS"].flatMap(UInt64.init) ?? 250)
    }()

    /// The tolerance is the one within which these graphs stay if the interpreter rounds to f32 after each node. It
    /// bounds an element by the largest of its tensor, since a gradient may be the small difference of large terms, and
    /// there the error of correct kernels is that of the terms.
    @Test func matchInterpreter() throws {
        for seed in Self.seeds {
            let random = RandomGraph(seed: seed)
            try expectMatchesInterpreter(
                random.graph, inputs: randomInputs(for: random.graph, seed: seed),
                parameters: randomParameters(for: random.graph, seed: seed), tolerance: 2e-4, by: largestError, "seed \(seed)")
        }
    }
}
