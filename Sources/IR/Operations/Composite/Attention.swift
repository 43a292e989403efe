/// softmax(q · kᵀ · scale) · v, the attention of Vaswani et al. 2017.
///
/// Operands: q [..., n, d], k [..., m, d], v [..., m, e]; the result is [..., n, e]. As one operation it needs no
/// memory for the n × m probabilities, neither forward nor backward, where they are computed again.
public struct Attention: CompositeOperation, DifferentiableOperation {
    public static let name = "attention"
    public static let kind = OperationKind.attention
    /// Factor of the matmuls before softmax.
    public var scale: Double
    public init(scale: Double) { self.scale = scale }
    public var attributes: Attributes { [("scale", .number(scale))] }
    public init(attributes: Attributes, type: TensorType) throws(GraphError) { scale = try attributes.number("scale") }

    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        try expect(operands, count: 3)
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
        return q.with(shape: q.shape.dropLast() + [v.shape[v.rank - 1]])
    }

    public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
        let rank = type.rank, pairs = Self.pairs(rank)
        let matmul = Dot(
            leftBatch: pairs, rightBatch: pairs, leftContracting: [rank - 1], rightContracting: [rank - 1])
        let mix = Dot(leftBatch: pairs, rightBatch: pairs, leftContracting: [rank - 1], rightContracting: [rank - 2])
        let between = operands[0].type.with(shape: operands[0].shape.dropLast() + [operands[1].shape[rank - 2]])
        var scores = matmul.evaluate([operands[0], operands[1]], type: between)
        for index in scores.values.indices { scores.values[index] *= scale }
        return mix.evaluate([Softmax().evaluate([scores], type: between), operands[2]], type: type)
    }

    public func decompose(_ operands: [Tensor]) -> Tensor {
        Self.matmul(Self.probabilities(operands[0], operands[1], scale: scale), operands[2])
    }

    public func gradient(_ context: GradientContext) -> [Tensor?] {
        AttentionGradient.Part.allCases.map { part in
            context.seed.builder.add(AttentionGradient(scale: scale, part: part), context.operands + [context.seed])
        }
    }

    // MARK: Parts, shared with the gradient

    static func pairs(_ rank: Int) -> [Int] { Array(0..<rank - 2) }

    /// softmax(q · kᵀ · scale): [..., n, m].
    static func probabilities(_ q: Tensor, _ k: Tensor, scale: Double) -> Tensor {
        softmax(matmul(q, k, transposed: true) * scale)
    }

    /// a · b, or a · bᵀ, over the last two axes.
    static func matmul(_ a: Tensor, _ b: Tensor, transposed: Bool = false) -> Tensor {
        dot(
            a, b, batch: pairs(a.rank).map { ($0, $0) },
            contracting: [(a.rank - 1, transposed ? b.rank - 1 : b.rank - 2)])
    }
}

/// softmax(q · kᵀ · scale) · v over the last two axes; see `Attention`.
public func attention(_ q: Tensor, _ k: Tensor, _ v: Tensor, scale: Double, file: String = #fileID, line: Int = #line)
    -> Tensor
{
    q.builder.add(Attention(scale: scale), [q, k, v], location: q.builder.location(file, line))
}
