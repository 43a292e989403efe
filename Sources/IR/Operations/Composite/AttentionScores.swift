/// How much each query attends to each key: softmax over the keys of q · kᵀ · scale, where masks leave them, and of
/// that what dropout keeps.
///
/// Behind its matrices, attention may have a mask, of the scores' shape [..., n, m] or with extents of 1 in it: of
/// bool, where it is false a query does not attend to a key; of numbers, it is added to the scores. Where there is a
/// mask, or the order of keys is one, a query that may attend to nothing gets zeros.
public struct AttentionScores: Hashable, Sendable {
    /// Factor of the matmuls before softmax.
    public var scale: Double
    /// Whether a query attends to no key behind its own place.
    public var isCausal: Bool
    /// What is dropped of the probabilities; nil for nothing.
    public var dropout: AttentionDropout?

    /// Scores with a factor, of earlier keys alone if they are causal.
    public init(scale: Double, isCausal: Bool = false, dropout: AttentionDropout? = nil) {
        self.scale = scale
        self.isCausal = isCausal
        self.dropout = dropout
    }

    var attributes: Attributes {
        [("scale", .number(scale))] + (isCausal ? [("causal", .flag(true))] : []) + (dropout?.attributes ?? [])
    }
    init(_ attributes: Attributes) throws(GraphError) {
        scale = try attributes.number("scale")
        isCausal = attributes.contains { $0.name == "causal" } ? try attributes.flag("causal") : false
        dropout = try AttentionDropout(attributes)
    }

    /// The mask, and the key of dropout, among what follows `count` operands.
    package func extras<Operand>(_ operands: [Operand], after count: Int) -> (mask: Operand?, key: Operand?) {
        var rest = operands.dropFirst(count)
        let key = dropout == nil ? nil : rest.popLast()
        return (rest.first, key)
    }

    /// Fails unless there are `count` operands, the key of dropout, and perhaps a mask.
    func checkCount(_ operands: [TensorType], matrices count: Int, _ operation: some Operation) throws(GraphError) {
        let least = count + (dropout == nil ? 0 : 1)
        guard operands.count == least || operands.count == least + 1 else {
            throw operation.error(
                .structure, "takes \(least) operands, or \(least + 1) with a mask, has \(operands.count)")
        }
    }

    /// Fails unless a mask fits the scores of queries and keys, as in [..., n, m].
    func check(_ mask: TensorType, _ q: TensorType, _ k: TensorType, _ operation: some Operation) throws(GraphError) {
        let shape = q.shape.dropLast() + [k.shape[k.rank - 2]]
        guard mask.element == .bool || mask.element.isFloatingPoint else {
            throw operation.error(.elementType, "the mask is \(mask), neither bool nor of numbers that are added")
        }
        guard mask.rank == shape.count, zip(mask.shape, shape).allSatisfy({ $0 == 1 || $0 == $1 }) else {
            throw operation.error(
                .shape,
                "the mask is \(mask), and the scores \(shapeText(Array(shape))), of which extents may be 1 in it")
        }
    }

    /// Whether a query may have nothing to attend to, and gets zeros then.
    func isSafe(mask hasMask: Bool) -> Bool { isCausal || hasMask }

    /// [..., n, m], before dropout, by the interpreter.
    func probabilities(_ q: HostTensor, _ k: HostTensor, _ mask: HostTensor?) -> HostTensor {
        let scores = masked(q, k, mask)
        return Softmax(isSafe: isSafe(mask: mask != nil)).evaluate([scores], type: scores.type)
    }

    /// Scores [..., n, m] before softmax, −∞ where a query does not attend to a key, by the interpreter.
    func masked(_ q: HostTensor, _ k: HostTensor, _ mask: HostTensor?) -> HostTensor {
        let rank = q.shape.count, pairs = Attention.pairs(rank), (n, m) = (q.shape[rank - 2], k.shape[rank - 2])
        let matmul = Dot(
            leftBatch: pairs, rightBatch: pairs, leftContracting: [rank - 1], rightContracting: [rank - 1])
        let type = q.type.with(shape: q.shape.dropLast() + [m])
        var scores = matmul.evaluate([q, k], type: type)
        let added = mask.map { mask in
            Broadcast(shape: type.shape, axes: Array(0..<rank)).evaluate(
                [mask], type: mask.type.with(shape: type.shape))
        }
        for index in scores.values.indices {
            scores.values[index] *= scale
            if let added {
                scores.values[index] =
                    added.type.element != .bool
                    ? scores.values[index] + added.values[index]
                    : added.values[index] != 0 ? scores.values[index] : -.infinity
            }
            if isCausal, index % m > index / m % n { scores.values[index] = -.infinity }
        }
        return scores
    }

    /// What dropout leaves of probabilities [..., n, m] or their gradients, by the interpreter.
    func dropped(_ x: HostTensor, _ key: HostTensor?) -> HostTensor {
        guard let dropout, let key else { return x }
        return dropout.dropped(x, key: key)
    }

    /// What dropout leaves of probabilities [..., n, m] or their gradients, of primitives.
    func dropped(_ x: Tensor, _ key: Tensor?) -> Tensor {
        guard let dropout, let key else { return x }
        return dropout.dropped(x, key: key)
    }

    /// [..., n, m], before dropout, of primitives.
    func probabilities(_ q: Tensor, _ k: Tensor, _ mask: Tensor?) -> Tensor {
        softmax(masked(q, k, mask), isSafe: isSafe(mask: mask != nil))
    }

    /// Scores [..., n, m] before softmax, −∞ where a query does not attend to a key, of primitives.
    func masked(_ q: Tensor, _ k: Tensor, _ mask: Tensor?) -> Tensor {
        var scores = Attention.matmul(q, k, transposed: true) * scale
        if let mask {
            scores =
                mask.element == .bool
                ? select(mask, scores, scores.constant(-.infinity)) : scores + mask.cast(scores.element)
        }
        if isCausal {
            scores = select(
                Self.causalMask(scores.builder, Array(scores.shape.suffix(2))), scores, scores.constant(-.infinity))
        }
        return scores
    }

    /// Where a query [n, m] attends to a key that is not behind it.
    package static func causalMask(_ builder: GraphBuilder, _ shape: [Int]) -> Tensor {
        let type = TensorType(.i32, shape)
        return lessEqual(builder.add(Iota(type, axis: 1), []), builder.add(Iota(type, axis: 0), []))
    }
}

/// Attention, its log-sums, or a gradient of it.
package protocol AttentionOperation: CompositeOperation {
    /// How many operands are matrices of each head: queries, keys, values, and what else there is. Log-sums, a mask
    /// and the key of dropout come after them.
    static var matrixCount: Int { get }
    /// How many operands there are without a mask and without dropout.
    static var operandCount: Int { get }
    var scores: AttentionScores { get }
}

extension AttentionOperation {
    package static var operandCount: Int { matrixCount }
}
