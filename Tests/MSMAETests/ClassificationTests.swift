import Apus
import MSMAE
import Testing

/// Fine-tuning and classification, held against the recorded results of the public implementation.
@Suite struct ClassificationTests {
    private let fixture: Fixture
    private let model: MaskedAutoencoder

    init() throws {
        fixture = try Fixture("finetune-global-pool")
        model = try MaskedAutoencoder(fixture.configuration)
    }

    @Test func logitsOfAllPatchesAndOfTheKeptOnes() throws {
        let weights = try fixture.tensors("param.")
        let whole = try Interpreter().run(
            model.classification(batch: fixture.batch).trace(), inputs: fixture.inputs("images"), parameters: weights)
        let masked = try Interpreter().run(
            model.classification(batch: fixture.batch, masking: .attention, permutation: .replayed).trace(),
            inputs: fixture.inputs("images", "ids_shuffle"), parameters: weights)
        try expectEqual(whole.outputs["logits"], fixture.tensor("expect.logits_unmasked"))
        try expectEqual(masked.outputs["logits"], fixture.tensor("expect.logits"))
    }

    @Test func attentionMap() throws {
        let outcome = try Interpreter().run(
            model.attentionMap(batch: fixture.batch).trace(), inputs: fixture.inputs("images"),
            parameters: fixture.tensors("param."))
        try expectEqual(outcome.outputs["mask_weights"], fixture.tensor("expect.mask_weights_grid"))
    }

    @Test func oneStepOfFineTuning() throws {
        let optimizer = Optimizer.adamW(learningRate: 5e-4, weightDecay: 0.05, decays: .fineTuning)
        let step = model.fineTuning(
            batch: fixture.batch, options: FineTuningOptions(dropPath: 0), permutation: .replayed, optimizer: optimizer)
        let graph = try wholeGraph(of: step) { model.learningRateScale(of: $0, decay: 0.75) }
        let outcome = try train(
            graph, optimizer, steps: 1, inputs: fixture.inputs("images", "labels", "ids_shuffle"),
            weights: fixture.tensors("param."))[0]
        try expectEqual(outcome.outputs["loss"], fixture.tensor("expect.loss"))
        try expectEqual(outcome.outputs["logits"], fixture.tensor("expect.logits"))
        try expectGradients(outcome.outputs, of: fixture)
        try expectWeights(outcome.state, "after1.", of: fixture)
    }
}
