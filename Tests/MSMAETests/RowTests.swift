import Apus
import MSMAE
import Testing

/// Rows of patches that are not computed because nothing reads them.
@Suite struct RowTests {
    /// Multiply-adds of a forward pass for one image, without the gather fusion and with it, and the rewritten graph.
    private func cost(_ graph: Graph, without other: Set<Fusion> = [.attention, .qkv]) throws -> (
        off: Int, on: Int, graph: Graph
    ) {
        let wanted = Set(Fusion.allCases).subtracting(other)
        let off = try Pipeline.fusions(wanted.subtracting([.gather])).run(graph),
            on = try Pipeline.fusions(wanted).run(graph)
        return (ModelCost(of: off).total, ModelCost(of: on).total, on)
    }

    @Test(arguments: Masking.allCases)
    func preTrainingComputesKeptRowsAtTheStartAndMaskedRowsAtTheEnd(_ masking: Masking) throws {
        let step = try MaskedAutoencoder(.base).preTraining(
            batch: 1, masking: masking, optimizer: .sgd(learningRate: 1))
        let (off, on, graph) = try cost(step.trace().graph)
        let (kept, masked, visible) = masking == .attention ? (49, 88, 137) : (49, 147, 196)
        let embedded = (196 - kept) * 768 * 768
        // Of the last block of the decoder: queries, their attention, its projection and the perceptron; and the
        // predictions.
        let saved = visible + 1 - masked
        let decoded = saved * 512 * 512 * (1 + 1 + 8) + 2 * saved * (visible + 1) * 512 + saved * 512 * 768
        #expect(off - on == embedded + decoded)
        // One table of the kept rows and the mask token, and one gather from it.
        #expect(graph.nodes.contains { $0.operation is Concatenate && $0.type.shape == [1, kept + 1, 512] })
        #expect(!graph.nodes.contains { $0.operation is Concatenate && $0.type.shape == [1, 196, 512] })
    }

    /// Attention as one operation stands in the way of nothing.
    @Test func attentionAsOneOperationSavesTheSame() throws {
        let graph = try MaskedAutoencoder(.demo).preTraining(
            batch: 2, masking: .attention, optimizer: .sgd(learningRate: 1)
        ).trace().graph
        let (apart, fused) = (
            try cost(graph).on, try ModelCost(of: Pass.decompose.run(cost(graph, without: [.qkv]).graph)).total
        )
        #expect(apart == fused)
    }

    @Test func fineTuningEmbedsKeptPatches() throws {
        let graph = try MaskedAutoencoder(.base).classification(batch: 2, masking: .attention).trace()
        let (off, on, _) = try cost(graph)
        #expect(off - on == 2 * (196 - 49) * 768 * 768)
    }

    @Test func theAttentionMapAsksForOneQuery() throws {
        let graph = try MaskedAutoencoder(.base).attentionMap(batch: 1).trace()
        let (off, on, _) = try cost(graph)
        // The last block computes queries of one of 197 tokens, no values, and the scores of that query.
        #expect(off - on == (196 + 197) * 768 * 768 + 196 * 197 * 768)
    }
}
