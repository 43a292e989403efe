import ApusIR
import ApusTestSupport
import ApusTransforms
import Testing

@Suite struct FuseAttentionTests {
    /// Attention with any order of the axes of its operands, any side of the second matmul and any place of the scale.
    @Test(arguments: 0..<60 as Range<UInt64>)
    func meansTheSame(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let batch = (0..<random.integer(0...2)).map { _ in random.pick([1, 2, 3]) }
        let n = random.pick([1, 2, 4]), m = random.pick([1, 3, 5]), d = random.pick([1, 2, 3]),
            e = random.pick([1, 2, 4])
        /// An input with its axes in a random order: where the axes of `shape` are, and the tensor.
        func shuffled(_ builder: GraphBuilder, _ name: String, _ shape: [Int]) -> (place: [Int], tensor: Tensor) {
            let order = random.shuffled(Array(shape.indices))
            return (Transpose(order).inverse, builder.f32(name, order.map { shape[$0] }))
        }
        let forward = try ForwardPass { builder in
            var (q, k) = (shuffled(builder, "q", batch + [n, d]), shuffled(builder, "k", batch + [m, d]))
            let v = shuffled(builder, "v", batch + [m, e])
            let place = random.integer(0...4)
            if place == 0 { q.tensor = q.tensor * 0.5 }
            if place == 1 { k.tensor = k.tensor / 3.0 }
            let pairs = random.shuffled(Array(batch.indices))
            var scores = dot(
                q.tensor, k.tensor, batch: pairs.map { (q.place[$0], k.place[$0]) },
                contracting: [(q.place[batch.count + 1], k.place[batch.count + 1])])
            if place == 2 { scores = scores * 0.25 }
            if place == 3 { scores = 0.7 * scores }
            let probabilities = softmax(scores)
            let mixPairs = random.shuffled(Array(batch.indices)).map { ($0, v.place[pairs[$0]]) }
            let inner = (batch.count + 1, v.place[batch.count])
            return random.chance(0.5)
                ? [dot(probabilities, v.tensor, batch: mixPairs, contracting: [inner])]
                : [
                    dot(
                        v.tensor, probabilities, batch: mixPairs.map { ($0.1, $0.0) }, contracting: [(inner.1, inner.0)]
                    )
                ]
        }
        let fused = try forward.expectSame(after: [.fuseAttention], rewrites: 1, seed: seed)
        #expect(!fused.nodes.contains { $0.operation is Dot || $0.operation is Softmax })
    }

    @Test func recordsThePlace() throws {
        let builder = GraphBuilder(name: "located")
        let x = builder.f32("x", [3, 4])
        builder.location = SourceLocation(file: "Model.swift", line: 7, path: "blocks.2.attn")
        builder.output("y", matmul(softmax(matmul(x, x.transpose([1, 0]))), x))
        var rewrites: [Rewrite] = []
        _ = try Pass.fuseAttention.run(builder.finish(), recording: &rewrites)
        #expect(rewrites.map(\.pass) == ["fuse-attention"] && rewrites.first?.location?.path == "blocks.2.attn")
    }
}
