import Apus
import MSMAE
import Testing

/// The published numbers of weights and operations of the base model.
@Suite struct CostTests {
    private func model(classes: Int) throws -> MaskedAutoencoder {
        var configuration = Configuration.base
        configuration.classes = classes
        return try MaskedAutoencoder(configuration)
    }

    private func billions(_ count: Int) -> Double { (Double(count) / 1e7).rounded() / 100 }
    private func millions(_ count: Int) -> Double { (Double(count) / 1e4).rounded() / 100 }

    @Test func encoderAtAllAndAtKeptTokens() throws {
        let all = ModelCost(of: try model(classes: 4).classification(batch: 1).trace())
        let kept = ModelCost(of: try model(classes: 4).classification(batch: 1, masking: .attention).trace())
        #expect(Configuration.base.encoderTokens(nil) == 197 && Configuration.base.encoderTokens(.attention) == 50)
        // The published figure for kept tokens counts all patches as embedded, as the graph does before it is
        // optimised.
        #expect(billions(all.linear) == 16.85 && billions(all.total) == 17.56)
        #expect(billions(kept.linear) == 4.36 && billions(kept.total) == 4.41)
    }

    @Test func trainableWeights() throws {
        let optimizer = Optimizer.sgd(learningRate: 1)
        let preTraining = try model(classes: 4).preTraining(batch: 1, masking: .attention, optimizer: optimizer).trace()
        let fineTuning = try model(classes: 4).fineTuning(batch: 1, optimizer: optimizer).trace()
        #expect(millions(ModelCost(of: preTraining.graph).trainableWeights) == 111.66)
        #expect(millions(ModelCost(of: fineTuning.graph).trainableWeights) == 85.80)
        // The head on the class token.
        var baseline = Configuration.base
        baseline.method = .mae
        let mae = try MaskedAutoencoder(baseline).preTraining(batch: 1, masking: .random, optimizer: optimizer).trace()
        #expect(
            ModelCost(of: preTraining.graph).trainableWeights - ModelCost(of: mae.graph).trainableWeights == 4 * 768 + 4
        )
    }

    @Test func costGrowsWithTheBatch() throws {
        let one = ModelCost(of: try model(classes: 4).classification(batch: 1).trace())
        let two = ModelCost(of: try model(classes: 4).classification(batch: 2).trace())
        #expect(two.total == 2 * one.total && two.trainableWeights == one.trainableWeights)
    }
}
