import Apus
import ApusCodegen
import Testing

/// Attention that drops probabilities, in whole training steps.
@Suite struct AttentionTrainingTests {
    private let step = TrainingStep("attention", optimizer: .sgd(learningRate: 0.1)) {
        let x = Input("x", [2, 9, 16])
        let layers = Sequential {
            SelfAttention(16, heads: 4, keyHeads: 2, masks: [.causal], dropout: 0.3).named("shared")
            MultiheadAttention(16, heads: 2, dropout: 0.5).named("own")
        }
        Loss(meanSquaredError(layers(x), Input("y", [2, 9, 16])))
    }

    /// As one kernel, attention drops what it drops as the operations that it is made of: the losses and the weights of
    /// several steps are the same up to rounding.
    @Test func dropsTheSameAsItsParts() throws {
        func train(_ fusions: Set<Fusion>) throws -> (losses: [Float], weights: [String: [Float]], kernels: Int) {
            let compiled = try Compiler(CompilerOptions(products: .generated, fusions: fusions), threads: 2)
                .compile(step)
            let state = try compiled.makeState(seed: 4)
            let losses = try (1...4).map { number -> Float in
                func numbers(_ factor: Int) throws -> TensorData {
                    try TensorData((0..<288).map { Float(($0 * factor + number) % 13) / 6 - 1 }, shape: [2, 9, 16])
                }
                return try compiled.run(state, ["x": numbers(5), "y": numbers(7)]).loss
            }
            var weights: [String: [Float]] = [:]
            for parameter in compiled.program.parameters where !parameter.name.hasPrefix("random") {
                weights[parameter.name] = try state.read(parameter.name).floats
            }
            return (losses, weights, compiled.program.steps.count { $0.name.hasPrefix("attention") })
        }
        let all = Set(Fusion.allCases), fused = try train(all), parts = try train(all.subtracting([.attention]))
        #expect(fused.kernels == 4 && parts.kernels == 0)
        #expect(Set(fused.losses).count == 4)
        for (a, b) in zip(fused.losses, parts.losses) { #expect(abs(a - b) < 1e-5 * abs(b)) }
        #expect(fused.weights.count == parts.weights.count && fused.weights.count >= 8)
        for (name, numbers) in fused.weights {
            let others = try #require(parts.weights[name])
            #expect(zip(numbers, others).allSatisfy { abs($0 - $1) < 1e-4 }, "\(name)")
        }
    }
}
