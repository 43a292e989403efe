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

    /// Masks in any order and number, of any shape that broadcasts to the scores.
    @Test(arguments: 0..<80 as Range<UInt64>)
    func masksMeanTheSame(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let heads = random.pick([1, 2]), n = random.pick([1, 3, 4]), m = random.pick([1, 4, 5])
        var masks = 0
        let forward = try ForwardPass { builder in
            let q = builder.f32("q", [2, heads, n, 3]), k = builder.f32("k", [2, heads, m, 3])
            let v = builder.f32("v", [2, heads, m, 2])
            var scores = matmul(q, k.transpose([0, 1, 3, 2])) * 0.5
            let forbidden = scores.constant(-.infinity)
            for number in 0..<random.integer(1...3) {
                func shape() -> [Int] { [2, heads, n, m].map { random.chance(0.5) ? 1 : $0 } }
                switch random.integer(0...4) {
                case 0: scores = select(AttentionScores.causalMask(builder, [n, m]), scores, forbidden)
                case 1:
                    // As much as to say, the other way round, and from a longer way.
                    let row = builder.add(Iota(TensorType(.i32, [n]), axis: 0), []).reshape([n, 1])
                    let column = builder.add(Iota(TensorType(.i32, [m]), axis: 0), [])
                    scores = select(less(row, column), forbidden, scores)
                case 2:
                    scores = select(builder.input(Input("b\(number)", TensorType(.bool, shape()))), scores, forbidden)
                case 3:
                    scores = select(builder.input(Input("b\(number)", TensorType(.bool, shape()))), forbidden, scores)
                default:
                    let added = builder.f32("a\(number)", shape())
                    scores = random.chance(0.5) ? scores + added : added + scores
                }
                masks += 1
            }
            return [matmul(softmax(scores, isSafe: true), v)]
        }
        let fused = try forward.expectSame(after: [.fuseAttention], rewrites: 1, seed: seed)
        #expect(!fused.nodes.contains { $0.operation is Softmax }, "\(masks) masks")
    }

    /// Dropout of probabilities becomes a part of attention that drops the same ones, unless its factor is another.
    @Test(arguments: 0..<20 as Range<UInt64>)
    func dropoutMeansTheSame(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let heads = random.pick([1, 2]), n = random.pick([1, 3, 4]), m = random.pick([1, 4, 5])
        let rate = random.pick([0.1, 0.5, 0.9]), isOther = random.chance(0.3), isCausal = random.chance(0.5)
        let forward = try ForwardPass { builder in
            let q = builder.f32("q", [2, heads, n, 3]), k = builder.f32("k", [2, heads, m, 3])
            let v = builder.f32("v", [2, heads, m, 2]), key = builder.input(Input("key", TensorType(.i32, [2])))
            var scores = matmul(q, k.transpose([0, 1, 3, 2])) * 0.5
            if isCausal {
                scores = select(
                    AttentionScores.causalMask(builder, [n, m]), scores, scores.constant(-.infinity))
            }
            let drawn = randomUniform(scores.shape, key: key, stream: 5)
            let isKept = less(drawn, drawn.constant(1 - rate)), map = softmax(scores, isSafe: true)
            return [matmul(select(isKept, map * (isOther ? 2.5 : 1 / (1 - rate)), map.constant(0)), v)]
        }
        let fused = try forward.expectSame(after: [.fuseAttention], rewrites: 1, seed: seed)
        #expect(fused.nodes.contains { $0.operation is RandomUniform } == isOther)
        let attention = fused.nodes.lazy.compactMap { $0.operation as? Attention }.first
        #expect(attention?.scores.dropout == (isOther ? nil : AttentionDropout(keep: 1 - rate, stream: 5)))
    }

    /// What looks like attention and stays as it is, with the reason.
    @Test func saysWhatStandsInTheWay() throws {
        func reasons(_ body: (_ scores: Tensor, _ v: Tensor) -> [Tensor]) throws -> [String] {
            let builder = GraphBuilder(name: "obstacle")
            let q = builder.f32("q", [2, 4, 3]), k = builder.f32("k", [2, 5, 3]), v = builder.f32("v", [2, 5, 2])
            for (number, result) in body(matmul(q, k.transpose([0, 2, 1])), v).enumerated() {
                builder.output("y\(number)", result)
            }
            var rewrites: [Rewrite] = []
            let graph = try builder.finish(), after = try Pass.fuseAttention.run(graph, recording: &rewrites)
            #expect(after == graph && rewrites.allSatisfy { !$0.isDone })
            return rewrites.map(\.note)
        }
        func allowed(_ scores: Tensor, else number: Double) -> Tensor {
            select(AttentionScores.causalMask(scores.builder, [4, 5]), scores, scores.constant(number))
        }
        let probabilities: (Tensor) -> Tensor = { softmax($0) }
        #expect(
            try reasons { [matmul(probabilities($0) * 0.5, $1)] } == ["multiply lies between softmax and values"])
        #expect(
            try reasons { scores, v in
                let map = probabilities(scores), isKept = less(map, map.constant(0.5))
                return [matmul(select(isKept, map * 2, map.constant(0)), v)]
            } == ["select lies between softmax and values"])
        #expect(
            try reasons { scores, v in
                let map = probabilities(scores)
                return [matmul(map, v), map]
            } == ["others read the probabilities, too"])
        #expect(
            try reasons { scores, v in [matmul(probabilities(scores), v), scores] } == ["others read the scores, too"])
        #expect(
            try reasons { [matmul(probabilities(allowed($0, else: -1e9)), $1)] }
                == ["its mask has -1000000000.0 in place of -inf"])
        #expect(
            try reasons { [matmul(probabilities(allowed($0, else: -.infinity) * 0.5), $1)] }
                == ["its scale comes after its mask, not before"])
        #expect(
            try reasons { [matmul(probabilities(tanh($0)), $1)] } == ["tanh lies between the scores and softmax"])
        #expect(
            try reasons { scores, v in
                [dot(probabilities(scores), v, batch: [], contracting: [(2, 1)])]
            } == ["its axes are not batch, queries, keys and columns"])
        // A classifier's probabilities are no attention.
        #expect(try reasons { _, v in [matmul(softmax(v), v.transpose([0, 2, 1]))] } == [])
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
