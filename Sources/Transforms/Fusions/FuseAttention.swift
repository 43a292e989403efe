import ApusIR

extension Pass {
    /// dot(softmax(dot(q, k) · scale), v), with masks on the scores, becomes `Attention`, which never stores the matrix
    /// between the matmuls.
    ///
    /// The scale may be a factor or a divisor, of the matmul or of q or k. A mask may be −∞ selected in place of
    /// scores, or numbers added to them. Probabilities may be dropped. Nothing else may read the scores or the
    /// probabilities, as in a graph that hands out its attention map; and all batch axes must be those of q, k and v
    /// alike. The operands and the result may have their axes in any order: transposes, which cost nothing, bring them
    /// into that of `Attention`. What looks like attention and is not fused is recorded with the reason.
    public static let fuseAttention = Pass(
        "fuse-attention",
        recording: { graph, rewrites in
            let pattern = Pattern(graph)
            var replacements: [Value: Replacement] = [:]
            for value in graph.values {
                let note: String, isDone: Bool
                do throws(AttentionMatch.Obstacle) {
                    guard let match = try AttentionMatch(value, pattern) else { continue }
                    replacements[value] = match.replacement
                    note =
                        "two matmuls and the softmax between them became one operation; "
                        + "\(match.probabilities) is not stored"
                    isDone = true
                } catch {
                    (note, isDone) = (error.reason, false)
                }
                rewrites.append(
                    Rewrite(pass: "fuse-attention", note: note, isDone: isDone, location: graph[value].location))
            }
            return try rebuild(graph, replacing: replacements)
        })
}

/// The parts of attention that ends in a matmul.
private struct AttentionMatch {
    /// Why something that looks like attention is none.
    struct Obstacle: Error { let reason: String }
    /// An operand, and the order in which its axes are batch, rows and columns.
    typealias Part = (value: Value, order: [Int])
    private let q, k, v: Part
    private let scores: MaskedScores
    private let scale: Double
    private let dropout: (how: AttentionDropout, key: Value)?
    /// Axes of the result among those of `Attention`'s.
    private let resultOrder: [Int]
    /// Type of the matrix between the matmuls.
    let probabilities: TensorType

    init?(_ value: Value, _ pattern: Pattern) throws(Obstacle) {
        guard let (mix, operands) = pattern.node(value, as: Dot.self),
            let side = operands.indices.first(where: { pattern.isAttentionMap(operands[$0]) })
        else { return nil }
        let (map, dropout) = pattern.undropped(operands[side])
        guard let softmax = pattern.node(map, as: Softmax.self) else {
            throw Obstacle(reason: "\(pattern.graph[operands[side]].operation.name) lies between softmax and values")
        }
        guard pattern.readers(of: map) == 1 else {
            throw Obstacle(reason: "others read the probabilities, too")
        }
        guard let scores = MaskedScores(softmax.operands[0], pattern) else {
            throw Obstacle(reason: pattern.obstacle(softmax.operands[0]) ?? "its scores are no matmul with masks")
        }
        let factors = scores.factors
        let (left, leftScale) = pattern.unscaled(factors[0]), (right, rightScale) = pattern.unscaled(factors[1])
        let ranks = (
            pattern.graph[left].type.rank, pattern.graph[right].type.rank,
            pattern.graph[operands[1 - side]].type.rank
        )
        let (queryFree, keyFree) = (scores.dot.leftFree(ranks.0), scores.dot.rightFree(ranks.1))
        // The probabilities have the axes: batch, queries, keys.
        let batch = scores.dot.leftBatch.count
        let (probabilityBatch, valueBatch) =
            side == 0 ? (mix.leftBatch, mix.rightBatch) : (mix.rightBatch, mix.leftBatch)
        let (probabilityInner, valueInner) =
            side == 0 ? (mix.leftContracting, mix.rightContracting) : (mix.rightContracting, mix.leftContracting)
        let valueFree = side == 0 ? mix.rightFree(ranks.2) : mix.leftFree(ranks.2)
        scale = scores.scale * leftScale * rightScale
        guard queryFree.count == 1, keyFree.count == 1, scores.dot.leftContracting.count == 1,
            probabilityBatch.sorted() == Array(0..<batch), probabilityInner == [batch + 1], valueFree.count == 1
        else { throw Obstacle(reason: "its axes are not batch, queries, keys and columns") }
        guard scale.isFinite else { throw Obstacle(reason: "its scale is not finite") }

        q = (left, scores.dot.leftBatch + queryFree + scores.dot.leftContracting)
        k = (right, scores.dot.rightBatch + keyFree + scores.dot.rightContracting)
        v = (operands[1 - side], Transpose(probabilityBatch).inverse.map { valueBatch[$0] } + valueInner + valueFree)
        self.scores = scores
        self.dropout = dropout
        resultOrder = probabilityBatch + (side == 0 ? [batch, batch + 1] : [batch + 1, batch])
        probabilities = pattern.graph[operands[side]].type
    }

    func replacement(_ new: (Value) -> Tensor) -> Tensor {
        func operand(_ part: Part) -> Tensor { new(part.value).transpose(part.order) }
        return attention(
            operand(q), operand(k), operand(v), scale: scale, isCausal: scores.isCausal, mask: scores.mask(new),
            dropout: dropout.map { ($0.how, new($0.key)) }
        ).transpose(resultOrder)
    }
}
