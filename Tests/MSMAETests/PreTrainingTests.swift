import Apus
import MSMAE
import Testing

/// Pre-training, held against the recorded results of the public implementation.
@Suite struct PreTrainingTests {
    private static let optimizer = Optimizer.adamW(learningRate: 1e-3, betas: (0.9, 0.95), weightDecay: 0.05)
    private static let fixtures = ["pretrain-attention-masking", "pretrain-random-masking"]

    @Test(arguments: fixtures)
    func lossesGradientsAndThreeSteps(name: String) throws {
        let fixture = try Fixture(name)
        let model = try MaskedAutoencoder(fixture.configuration)
        let step = model.preTraining(
            batch: fixture.batch, masking: fixture.masking, permutation: .replayed, optimizer: Self.optimizer)
        let weights = try fixture.tensors("param.")
        let graph = try wholeGraph(of: step)
        try graph.verify()
        #expect(Set(graph.parameters.map(\.operation.name).filter { !$0.hasPrefix("optimizer.") }) == Set(weights.keys))

        let steps = try train(
            graph, Self.optimizer, steps: 3, inputs: fixture.inputs("images", "labels", "ids_shuffle"), weights: weights
        )
        for name in ["loss", "reconstruction_loss", "classification_loss"] {
            try expectEqual(steps[0].outputs[name], fixture.tensor("expect.\(name)"))
        }
        try expectEqual(steps[1].outputs["loss"], fixture.tensor("expect.loss.step2"))
        try expectEqual(steps[2].outputs["loss"], fixture.tensor("expect.loss.step3"))
        try expectGradients(steps[0].outputs, of: fixture)
        try expectWeights(steps[0].state, "after1.", of: fixture)
        try expectWeights(steps[2].state, "after3.", of: fixture)
    }

    @Test(arguments: fixtures)
    func reconstructionPredictsThePatchesInTheOrderOfTheImage(name: String) throws {
        let fixture = try Fixture(name)
        let model = try MaskedAutoencoder(fixture.configuration)
        let graph = try model.reconstruction(batch: fixture.batch, masking: fixture.masking, permutation: .replayed)
            .trace()
        let outputs = try Interpreter().run(
            graph, inputs: fixture.inputs("images", "ids_shuffle"), parameters: fixture.tensors("param.")
        ).outputs
        let mask = try fixture.tensor("expect.mask"), recorded = try fixture.tensor("expect.pred")
        let predictions = try #require(outputs["predictions"])
        #expect(outputs["mask"] == mask)
        #expect(predictions.shape == [mask.shape[0], mask.shape[1], recorded.shape[2]])

        // The public code hands out the patches that were not thrown away; the others are zero here.
        let width = recorded.shape[2]
        let rows = mask.values.indices.map { Array(predictions.values[$0 * width..<($0 + 1) * width]) }
        let visible = mask.values.indices.filter { mask.values[$0] >= 0 }.flatMap { rows[$0] }
        #expect(relativeError(visible, recorded.values) < Tolerance.forward)
        #expect(mask.values.indices.filter { mask.values[$0] < 0 }.allSatisfy { rows[$0].allSatisfy { $0 == 0 } })
    }

    @Test func correctedVariantTakesTheCrossEntropyOfTheLogits() throws {
        let fixture = try Fixture("pretrain-attention-masking")
        var configuration = fixture.configuration
        func classificationLoss() throws -> Double {
            let step = try MaskedAutoencoder(configuration)
                .preTraining(
                    batch: fixture.batch, masking: .attention, permutation: .replayed, optimizer: Self.optimizer)
            let outputs = try Interpreter().run(
                step.trace().graph, inputs: fixture.inputs("images", "labels", "ids_shuffle"),
                parameters: fixture.tensors("param.")
            ).outputs
            return try #require(outputs["classification_loss"]).values[0]
        }
        let released = try classificationLoss()
        configuration.variant = .corrected
        let corrected = try classificationLoss()
        #expect(abs(released - corrected) > 1e-3)
    }

    @Test func normalizedPixelsHaveNoScaleOfTheirOwn() throws {
        // The target does not change when an image is scaled and shifted; the prediction does, so compare targets by
        // the loss of a model whose decoder predicts zero: the mean square of a normalised patch is (n − 1) / n.
        var configuration = try Fixture("pretrain-attention-masking").configuration
        configuration.normalizePixels = true
        let step = try MaskedAutoencoder(configuration)
            .preTraining(batch: 4, masking: .attention, permutation: .replayed, optimizer: Self.optimizer)
        let fixture = try Fixture("pretrain-attention-masking")
        var weights = try fixture.tensors("param.")
        for name in ["decoder_pred.weight", "decoder_pred.bias"] {
            weights[name] = HostTensor(try #require(weights[name]).type)
        }
        let outputs = try Interpreter().run(
            step.trace().graph, inputs: fixture.inputs("images", "labels", "ids_shuffle"), parameters: weights
        ).outputs
        #expect(abs(try #require(outputs["reconstruction_loss"]).values[0] - 191.0 / 192) < 1e-4)
    }
}
