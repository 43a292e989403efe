/// softmax(q · kᵀ · scale) · v, the attention of Vaswani et al. 2017, with masks.
///
/// Operands: q [..., n, d], k [..., m, d], v [..., m, e], perhaps a mask (see `AttentionScores`) and perhaps the key of
/// dropout (see `AttentionDropout`); the result is [..., n, e]. As one operation it needs no memory for the n × m
/// probabilities, neither forward nor backward, where they are computed again.
public struct Attention: AttentionOperation, DifferentiableOperation {
    public static let name = "attention"
    public static let kind = OperationKind.attention
    package static let matrixCount = 3
    /// How much each query attends to each key.
    public var scores: AttentionScores

    /// Attention by given scores.
    public init(_ scores: AttentionScores) { self.scores = scores }
    /// Attention whose scores have a factor, to earlier keys alone if it is causal.
    public init(scale: Double, isCausal: Bool = false) { scores = AttentionScores(scale: scale, isCausal: isCausal) }

    public var attributes: Attributes { scores.attributes }
    public init(attributes: Attributes, type: TensorType) throws(GraphError) {
        scores = try AttentionScores(attributes)
    }

    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        try scores.checkCount(operands, matrices: 3, self)
        let (q, k, v) = (operands[0], operands[1], operands[2])
        try expectFloat(q)
        guard q.element == k.element, q.element == v.element else {
            throw error(.elementType, "element types differ: \(q), \(k) and \(v)")
        }
        guard q.rank >= 2, k.rank == q.rank, v.rank == q.rank, q.shape.dropLast(2) == k.shape.dropLast(2),
            q.shape.dropLast(2) == v.shape.dropLast(2),
            q.shape[q.rank - 1] == k.shape[q.rank - 1], k.shape[q.rank - 2] == v.shape[q.rank - 2]
        else {
            throw error(
                .shape,
                "takes [..., n, d], [..., m, d] and [..., m, e], has \(shapeText(q.shape)), \(shapeText(k.shape)) and \(shapeText(v.shape))"
            )
        }
        let (mask, key) = scores.extras(operands, after: 3)
        if let mask { try scores.check(mask, q, k, self) }
        if let key { try scores.dropout?.check(key, scores: q.shape.dropLast() + [k.shape[k.rank - 2]], self) }
        return q.with(shape: q.shape.dropLast() + [v.shape[v.rank - 1]])
    }

    public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
        let rank = type.rank, pairs = Self.pairs(rank)
        let mix = Dot(leftBatch: pairs, rightBatch: pairs, leftContracting: [rank - 1], rightContracting: [rank - 2])
        let (mask, key) = scores.extras(operands, after: 3)
        let probabilities = scores.dropped(scores.probabilities(operands[0], operands[1], mask), key)
        return mix.evaluate([probabilities, operands[2]], type: type)
    }

    public func decompose(_ operands: [Tensor]) -> Tensor {
        let (mask, key) = scores.extras(operands, after: 3)
        return Self.matmul(scores.dropped(scores.probabilities(operands[0], operands[1], mask), key), operands[2])
    }

    public func gradient(_ context: GradientContext) -> [Tensor?] {
        let parts = AttentionGradient.Part.allCases.map(Optional.some) + [nil]
        return zip(context.operands, parts).map { operand, part in
            guard let part, operand.element.isFloatingPoint else { return nil }
            return AttentionGradient(scores, part: part)
                .of(context.operands, result: context.result, seed: context.seed)
        }
    }

    // MARK: Parts, shared with the gradient

    static func pairs(_ rank: Int) -> [Int] { Array(0..<rank - 2) }

    /// a · b, or a · bᵀ, over the last two axes.
    static func matmul(_ a: Tensor, _ b: Tensor, transposed: Bool = false) -> Tensor {
        dot(
            a, b, batch: pairs(a.rank).map { ($0, $0) },
            contracting: [(a.rank - 1, transposed ? b.rank - 1 : b.rank - 2)])
    }
}

/// softmax(q · kᵀ · scale) · v over the last two axes, with masks; see `Attention` and `AttentionScores`.
///
/// - Parameter dropout: What is dropped of the probabilities, and the key of its random numbers, i32[2].
public func attention(
    _ q: Tensor, _ k: Tensor, _ v: Tensor, scale: Double, isCausal: Bool = false, mask: Tensor? = nil,
    dropout: (how: AttentionDropout, key: Tensor)? = nil, file: String = #fileID, line: Int = #line
) -> Tensor {
    q.builder.add(
        Attention(AttentionScores(scale: scale, isCausal: isCausal, dropout: dropout?.how)),
        [q, k, v] + [mask, dropout?.key].compactMap(\.self), location: q.builder.location(file, line))
}
