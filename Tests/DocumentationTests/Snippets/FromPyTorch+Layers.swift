import Apus
import Testing

extension FromPyTorch {
    /// Traces a function of a tensor, and returns the shape of its result.
    private func shape(_ x: [Int], of element: ElementType = .float32, _ body: @escaping (Tensor) -> Tensor) throws
        -> [Int]
    {
        let graph = try InferenceStep { Output("y", body(Input("x", x, element))) }.trace()
        return graph[graph.results[0].value].type.shape
    }

    private func shape(_ x: [Int], of element: ElementType = .float32, _ layer: some Layer) throws -> [Int] {
        try shape(x, of: element) { layer($0) }
    }

    @Test func layers() throws {
        #expect(try shape([2, 4], Linear(4, 8)) == [2, 8])
        #expect(
            try shape([2, 3]) { a in Bilinear(3, 4, 5)(a, concatenate([a, a], axis: 1).slice(0..<4, axis: 1)) } == [
                2, 5,
            ])
        let image = [1, 3, 8, 8]
        #expect(try shape(image, Conv2D(3, 8, kernel: [3, 5], stride: 2, padding: 1)) == [1, 8, 4, 3])
        #expect(try shape([1, 3, 8], Conv1D(3, 8, kernel: 3)) == [1, 8, 6])
        #expect(try shape([1, 3, 4, 4, 4], Conv3D(3, 8, kernel: 3)) == [1, 8, 2, 2, 2])
        #expect(try shape([1, 8, 4, 4], ConvTranspose2D(8, 3, kernel: 2, stride: 2)) == image)
        for layer: any Layer in [BatchNorm(8), GroupNorm(groups: 2, 8), InstanceNorm(8), ChannelDropout(0.1)] {
            #expect(try shape([2, 8, 4, 4]) { layer($0) } == [2, 8, 4, 4])
        }
        for layer: any Layer in [LayerNorm(8), RMSNorm(8), Dropout(0.1), DropPath(0.1), ReLU(), GELU(), GELUTanh()] {
            #expect(try shape([2, 8]) { layer($0) } == [2, 8])
        }
        #expect(try shape([2, 5], of: .int32, Embedding(100, 8)) == [2, 5, 8])
        #expect(
            try shape([2, 5], of: .int32, Embedding(100, 8, initializer: .normal(deviation: 0.02))) == [2, 5, 8])
        #expect(
            try shape([2, 5], of: .int32) { x in
                let embedding = Embedding(100, 8).named("embedding")
                return Linear(tiedTo: embedding, bias: false).named("head")(embedding(x))
            } == [2, 5, 100])
        #expect(try shape(image, MaxPool2D(3, stride: 2, padding: 1)) == [1, 3, 4, 4])
        #expect(
            try shape([1, 3, 8, 8], AvgPool2D(3, stride: 2, countsPadding: false, ceilMode: true)) == [1, 3, 4, 4])
        #expect(try shape(image, AvgPool2D(2)) == [1, 3, 4, 4])
        #expect(try shape(image, AdaptiveAvgPool2D(1)) == [1, 3, 1, 1])
        #expect(try shape(image, GlobalAveragePool()) == [1, 3])
        #expect(try shape(image, AdaptiveMaxPool2D([3, 2])) == [1, 3, 3, 2])
        #expect(try shape(image, Upsample(factor: 2, mode: .linear())) == [1, 3, 16, 16])
        #expect(try shape([1, 4, 8, 8], PixelShuffle(2)) == [1, 1, 16, 16])
        #expect(try shape(image, Flatten()) == [1, 192])
        #expect(try shape([2, 5, 8], MultiheadAttention(8, heads: 2)) == [2, 5, 8])
        #expect(try shape([2, 5, 8], SelfAttention(8, heads: 2)) == [2, 5, 8])
        #expect(try shape([2, 5, 8], MultiheadAttention(8, heads: 2, dropout: 0.1)) == [2, 5, 8])
        #expect(
            try shape([2, 5, 2, 4]) { q in
                let k = q.slice(0..<1, axis: 2), v = k + 1
                return attention(queries: q, keys: k, values: v, dropout: 0.1)
            } == [2, 5, 2, 4])
        #expect(
            try shape([2, 5, 2, 4]) { q in
                let k = q * 2, v = q + 1
                return attention(queries: q, keys: k, values: v, masks: [.causal])
            } == [2, 5, 2, 4])
        #expect(try shape([2, 5, 4], LSTM(4, 8, layers: 2, bidirectional: true)) == [2, 5, 16])
        #expect(try shape([2, 5, 4], GRU(4, 8)) == [2, 5, 8])
        #expect(try shape([2, 5, 4], RNN(4, 8)) == [2, 5, 8])
    }

    @Test func functions() throws {
        #expect(
            try shape([2, 3]) { a in
                let b = a.transpose([1, 0]); return matmul(a, b)
            } == [2, 2])
        #expect(
            try shape([2, 3, 4]) { a in
                let b = a.slice(0..<1, axis: 0).squeezed(0)
                return einsum("bnd,md->bnm", a, b)
            } == [2, 3, 3])
        #expect(
            try shape([2, 3]) { a in
                let b = a * 2; return concatenate([a, b], axis: 1)
            } == [2, 6])
        #expect(
            try shape([2, 3]) { a in
                let b = a * 2; return stack([a, b])
            } == [2, 2, 3])
        #expect(try shape([2, 5]) { x in split(x, sizes: [2, 3], axis: 1)[1] } == [2, 3])
        #expect(try shape([2, 6]) { x in x.slice(2..<5, axis: 1) } == [2, 3])
        #expect(try shape([2, 3, 4]) { x in x.transpose([0, 2, 1]) } == [2, 4, 3])
        #expect(try shape([2, 3, 4]) { x in x.reshape([2, -1]) } == [2, 12])
        #expect(try shape([2, 3]) { x in x.expanded(1) } == [2, 1, 3])
        #expect(try shape([2, 1, 3]) { x in x.squeezed(1) } == [2, 3])
        #expect(try shape([2, 3, 4]) { x in x.movingAxis(0, to: 1) } == [3, 2, 4])
        for same: (Tensor) -> Tensor in [
            { x in x.flipped([1]) }, { x in x.rolled(2, axis: 1) }, { x in clamp(x, 0, 1) }, { x in sorted(x) },
            { x in cumulativeSum(x, axis: 1) }, { x in lowerTriangle(x) }, { x in upperTriangle(x) },
            { a in
                let b = a * 2, c = less(a, b); return select(c, a, b)
            },
            { x in
                let i = argsort(x); return takeAlongAxis(x, i, axis: 1)
            },
            { x in
                let i = argsort(x), u = x * 2; return scatterAddAlongAxis(x, i, u, axis: 1)
            },
        ] {
            #expect(try shape([4, 4], same) == [4, 4])
        }
        #expect(try shape([2, 4]) { x in x.tiled([2, 1]) } == [4, 4])
        #expect(try shape([2, 4]) { x in topK(x, 3).values } == [2, 3])
        for row: (Tensor) -> Tensor in [
            { x in argmax(x) }, { x in variance(x, axes: [1]) }, { x in standardDeviation(x, axes: [1]) },
            { x in norm(x, 2, axes: [1]) },
        ] {
            #expect(try shape([2, 4], row) == [2])
        }
        #expect(try shape([2], of: .int32) { labels in oneHot(labels, classes: 10) } == [2, 10])
    }

    @Test func losses() throws {
        let w = [0.5, 2, 1]
        #expect(
            try shape([2, 3]) { x in
                let y = argmax(x)
                return crossEntropy(x, y, weights: w, ignoredIndex: -100, smoothing: 0.1)
            } == [])
        for loss: (Tensor, Tensor) -> Tensor in [
            { x, t in crossEntropy(x, targets: t) },
            { x, t in
                let w = 2.0; return binaryCrossEntropy(x, t, positiveWeight: w)
            },
            { meanSquaredError($0, $1) }, { meanAbsoluteError($0, $1) }, { smoothL1($0, $1) }, { huberLoss($0, $1) },
            { klDivergence($0, $1) }, { focalLoss($0, $1) }, { diceLoss($0, $1) },
            { x, t in cosineEmbeddingLoss(x, t, sum(x, axes: [1])) },
            { x, t in tripletLoss(anchor: x, positive: t, negative: x * 2, reduction: .sum) },
        ] {
            #expect(try shape([2, 3]) { x in loss(x, softmax(x)) } == [])
        }
    }
}
