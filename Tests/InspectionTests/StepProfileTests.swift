import Apus
import ApusInspection
import Testing

@Suite struct StepProfileTests {
    /// The same runs twice: by what steps do, and by the layer that declared it, in forward and backward pass.
    @Test func timeByStepAndByLayer() throws {
        let trial = try StepTrial(CompilerOptions(products: .generated), threads: 1, cache: nil) { compiler in
            try compiler.compile(
                TrainingStep("perceptron", optimizer: .sgd(learningRate: 0.1)) {
                    let x = Input("x", [4, 16])
                    let hidden = gelu(Linear(16, 16).named("first")(x))
                    let y = Linear(16, 2).named("second")(gelu(Linear(16, 16).named("blocks.7")(hidden)))
                    Loss(mean(y * y))
                })
        }
        let profile = try trial.observed(runs: 2).profile
        let layers = rows(profile.layers), steps = rows(profile.table)
        #expect(Set(layers.map(\.name)).isSuperset(of: ["first", "blocks.7", "second"]))
        #expect(steps.contains { $0.name.hasPrefix("matmul") })
        for table in [layers, steps] {
            #expect(table.map(\.calls).reduce(0, +) == trial.compiled.program.steps.count)
        }
        let first = try #require(layers.first { $0.name == "first" })
        #expect(first.calls >= 2, "a matmul forward, one for the weight's gradient")
    }

    /// Calls and name of each row behind the headings.
    private func rows(_ table: String) -> [(calls: Int, name: String)] {
        table.split(separator: "\n").dropFirst().map { line in
            let calls = line.split(separator: " ").first.flatMap { Int($0) } ?? 0
            // Eight columns of 9 and the spaces between them, and two spaces.
            return (calls, String(line.dropFirst(8 * 9 + 7 + 2)))
        }
    }
}
