import ApusCodegen
import ApusIR
import ApusLLVM
import ApusRuntime
import ApusTestSupport
import Foundation
import Testing

/// Random graphs give the interpreter's results through the whole compiler.
struct RandomGraphTests {
    static let seeds: Range<UInt64> = {
        let environment = ProcessInfo.processInfo.environment
        let first = environment["APUS_SEED"].flatMap(UInt64.init) ?? 0
        return first..<first + (environment["APUS_GRAPHS"].flatMap(UInt64.init) ?? 300)
    }()

    @Test func matchInterpreter() throws {
        for seed in Self.seeds {
            let random = RandomGraph(seed: seed)
            try expectMatchesInterpreter(
                random.graph, inputs: randomInputs(for: random.graph, seed: seed),
                parameters: randomParameters(for: random.graph, seed: seed), "seed \(seed)")
        }
    }
}
