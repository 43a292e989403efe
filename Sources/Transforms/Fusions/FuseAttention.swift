import ApusIR

extension Pass {
    /// dot(softmax(dot(q, k) · scale), v) becomes `Attention`, which never stores the matrix between the matmuls.
    ///
    /// The scale may be a factor or a divisor, of the matmul or of q or k. Nothing else may read the scores or the
    /// probabilities, as in a graph that hands out its attention map; and all batch axes must be those of q, k and v
    /// alike. The operands and the result may have their axes in any order: transposes, which cost nothing, bring them
    /// into that of `Attention`.
    public static let fuseAttention = Pass(
        "fuse-attention",
        recording: { graph, rewrites in
            let pattern = Pattern(graph)
            var replacements: [Value: Replacement] = [:]
            for value in graph.values {
                guard let match = AttentionMatch(value, pattern) else { continue }
                replacements[value] = match.replacement
                rewrites.append(
                    Rewrite(
                        pass: "fuse-attention",
                        note:
                            "two matmuls and the softmax between them became one operation; "
                            + "\(match.probabilities) is not stored",
                        location: graph[value].location))
            }
            return try rebuild(graph, replacing: replacements)
        })
}

/// The parts of attention that ends in a matmul.
private struct AttentionMatch {
    /// An operand, and the order in which its axes are batch, rows and columns.
    typealias Part = (value: Value, order: [Int])
    private let q, k, v: Part
    private let scale: Double
    /// Axes of the result among those of `Attention`'s.
    private let resultOrder: [Int]
    /// Type of the matrix between the matmuls.
    let probabilities: TensorType

    init?(_ value: Value, _ pattern: Pattern) {
        guard let (mix, operands) = pattern.node(value, as: Dot.self) else { return nil }
        for side in 0...1 {
            guard let softmax = pattern.onlyRead(operands[side], as: Softmax.self) else { continue }
            let (unscaled, ownScale) = pattern.unscaled(softmax.operands[0])
            guard pattern.readers(of: softmax.operands[0]) == 1,
                let (scores, factors) = pattern.onlyRead(unscaled, as: Dot.self)
            else { continue }
            let (left, leftScale) = pattern.unscaled(factors[0]), (right, rightScale) = pattern.unscaled(factors[1])
            let ranks = (
                pattern.graph[left].type.rank, pattern.graph[right].type.rank,
                pattern.graph[operands[1 - side]].type.rank
            )
            let (queryFree, keyFree) = (scores.leftFree(ranks.0), scores.rightFree(ranks.1))
            guard queryFree.count == 1, keyFree.count == 1, scores.leftContracting.count == 1 else { continue }

            // The probabilities have the axes: batch, queries, keys.
            let batch = scores.leftBatch.count
            let (probabilityBatch, valueBatch) =
                side == 0 ? (mix.leftBatch, mix.rightBatch) : (mix.rightBatch, mix.leftBatch)
            let (probabilityInner, valueInner) =
                side == 0 ? (mix.leftContracting, mix.rightContracting) : (mix.rightContracting, mix.leftContracting)
            let valueFree = side == 0 ? mix.rightFree(ranks.2) : mix.leftFree(ranks.2)
            let scale = ownScale * leftScale * rightScale
            guard probabilityBatch.sorted() == Array(0..<batch), probabilityInner == [batch + 1], valueFree.count == 1,
                scale.isFinite
            else { continue }

            q = (left, scores.leftBatch + queryFree + scores.leftContracting)
            k = (right, scores.rightBatch + keyFree + scores.rightContracting)
            v = (
                operands[1 - side], Transpose(probabilityBatch).inverse.map { valueBatch[$0] } + valueInner + valueFree
            )
            self.scale = scale
            resultOrder = probabilityBatch + (side == 0 ? [batch, batch + 1] : [batch + 1, batch])
            probabilities = pattern.graph[operands[side]].type
            return
        }
        return nil
    }

    func replacement(_ new: (Value) -> Tensor) -> Tensor {
        func operand(_ part: Part) -> Tensor { new(part.value).transpose(part.order) }
        return attention(operand(q), operand(k), operand(v), scale: scale).transpose(resultOrder)
    }
}
