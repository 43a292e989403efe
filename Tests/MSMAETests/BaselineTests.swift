import Apus
import MSMAE
import Testing

/// MAE, the baseline: pre-training without labels.
@Suite struct BaselineTests {
    private static let optimizer = Optimizer.adamW(learningRate: 1e-3, betas: (0.9, 0.95), weightDecay: 0.05)

    private func step(_ fixture: Fixture, masking: Masking = .random) throws -> TrainingStep {
        var configuration = fixture.configuration
        configuration.method = .mae
        return try MaskedAutoencoder(configuration)
            .preTraining(batch: fixture.batch, masking: masking, permutation: .replayed, optimizer: Self.optimizer)
    }

    /// The recorded step has a classification loss besides, which the decoder's gradients do not know of.
    @Test func reconstructionIsThatOfTheRecordedStep() throws {
        let fixture = try Fixture("pretrain-random-masking")
        let graph = try step(fixture).trace().wholeGraph([.output])
        let weights = try fixture.tensors("param.").filter { !$0.key.hasPrefix("head.") }
        #expect(Set(graph.parameters.map(\.operation.name)) == Set(weights.keys))
        #expect(Set(graph.inputs.map(\.operation.name)) == ["images", "ids_shuffle"])
        let outputs = try Interpreter().run(graph, inputs: fixture.inputs("images", "ids_shuffle"), parameters: weights)
            .outputs
        try expectEqual(outputs["loss"], fixture.tensor("expect.reconstruction_loss"))
        try expectEqual(outputs["reconstruction_loss"], fixture.tensor("expect.reconstruction_loss"))
        let gradients = try fixture.tensors("grad.").filter { $0.key.hasPrefix("decoder_") || $0.key == "mask_token" }
        #expect(gradients.count > 10)
        let largest = gradients.values.flatMap(\.values).map(abs).max() ?? 0
        for (name, expected) in gradients {
            let gradient = try #require(outputs["grad.\(name)"])
            let isNoise = (gradient.values + expected.values).allSatisfy { abs($0) < Tolerance.noise * largest }
            #expect(isNoise || relativeError(gradient.values, expected.values) < Tolerance.gradient, "\(name)")
        }
    }

    @Test func masksAtRandomThroughout() throws {
        let fixture = try Fixture("pretrain-random-masking")
        #expect(try step(fixture, masking: .attention).trace().graph == step(fixture).trace().graph)
        #expect(try step(fixture).trace().metrics == ["reconstruction_loss"])
    }
}
