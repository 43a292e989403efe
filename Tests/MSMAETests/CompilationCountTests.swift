import Apus
import ApusLLVM
import Foundation
import MSMAE
import Testing

/// Numbers that no change moves unnoticed: steps, kernels, bytes of the arena and rewrites of every shipped step, for
/// two machines that need not be this one. Nothing is emitted: the numbers are known once a step is scheduled.
///
/// With APUS_BLESS=1 in the environment the file of expected numbers is written anew.
@Suite struct CompilationCountTests {
    private static let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("CompilationCounts.txt")
    private static let steps: [NamedStep] = [.pretrain, .pretrainRandom, .finetune, .segment, .infer]
    private static let batch = 8

    /// A step's graph with gradients and updates, and what the fusions rewrote in its forward pass.
    private func wholeGraph(_ step: NamedStep, _ configuration: Configuration) throws -> (
        graph: Graph, rewrites: [Rewrite]
    ) {
        let fusions = Pipeline.fusions(Set(Fusion.allCases))
        var rewrites: [Rewrite] = []
        switch step.declaration(of: try MaskedAutoencoder(configuration), batch: Self.batch) {
        case .training(let step):
            return (try step.trace().rewritten(by: fusions, recording: &rewrites).wholeGraph(), rewrites)
        case .inference(let step):
            return (try fusions.run(step.trace(), recording: &rewrites), rewrites)
        }
    }

    /// The lines of the file: one for each step, precision and machine.
    private func counts() throws -> [String] {
        var lines: [String] = []
        for preset in ["demo", "base"] {
            var configuration = try #require(Configuration.preset(preset))
            configuration.classes = 4
            for step in Self.steps {
                let (graph, fused) = try wholeGraph(step, configuration)
                for precision in CompilerOptions.Precision.allCases {
                    for level in [TargetDescription.Level.avx2, .avx512] {
                        let target = try #require(TargetDescription.x86(level))
                        let options = CompilerOptions(precision: precision, products: .generated)
                        let plan = try GraphCompiler(options, target: target, cache: nil).plan(graph)
                        let rewrites = fused + plan.rewrites
                        let passes = Dictionary(grouping: rewrites, by: \.pass).sorted { $0.key < $1.key }
                        lines.append(
                            "\(preset) \(step.rawValue) \(precision.rawValue) \(target.cpu): "
                                + "\(plan.schedule.steps.count) steps, \(plan.kernelCount) kernels, "
                                + "arena \(plan.memory.arenaBytes) bytes; "
                                + passes.map { "\($0.key) \($0.value.count)" }.joined(separator: ", "))
                    }
                }
            }
        }
        return lines
    }

    @Test func shippedSteps() throws {
        let found = try counts()
        if ProcessInfo.processInfo.environment["APUS_BLESS"] == "1" {
            try (found.joined(separator: "\n") + "\n").write(to: Self.file, atomically: true, encoding: .utf8)
            return
        }
        let expected = try String(contentsOf: Self.file, encoding: .utf8).split(separator: "\n").map(String.init)
        let changes = found.difference(from: expected).map { change in
            switch change {
            case .remove(_, let line, _): "- \(line)"
            case .insert(_, let line, _): "+ \(line)"
            }
        }
        #expect(
            changes.isEmpty,
            """
            \(Self.file.lastPathComponent): run the tests with APUS_BLESS=1 to accept these numbers, then read the difference:
            \(changes.joined(separator: "\n"))
            """)
    }
}
