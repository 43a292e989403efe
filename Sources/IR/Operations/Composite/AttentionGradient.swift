/// The gradient of `Attention` with respect to one of its operands.
///
/// Operands: q, k, v, the gradient of the result, the result, its log-sums, and the mask and the key of dropout, if
/// there are any; the result has the type of the operand that `part` names. With the probabilities P
/// (`AttentionScores`) and their gradient D = seed · vᵀ, the gradient of the masked scores is S = P ∘ (D − rowsum(P ∘
/// D)), which is that of an added mask, summed where that is repeated; those of q, k and v are S · k · scale, Sᵀ · q ·
/// scale and Pᵀ · seed. Dropout with the factors F has D ∘ F for D, and P ∘ F for P in the last.
///
/// The sum over keys rowsum(P ∘ D) is that over columns rowsum(seed ∘ result), and P is exp(scores − log-sums) (Dao et
/// al. 2022): a kernel needs no row of P as a whole.
public struct AttentionGradient: AttentionOperation {
    public static let name = "attention_gradient"
    public static let kind = OperationKind.attention
    package static let matrixCount = 5, operandCount = 6

    /// The operands that have a gradient.
    public enum Part: String, Hashable, Sendable, CaseIterable {
        /// One of the operands of attention.
        case queries, keys, values, mask
    }
    /// How much each query attends to each key.
    public var scores: AttentionScores
    /// The operand whose gradient it is.
    public var part: Part

    /// The gradient for one operand of attention by given scores.
    public init(_ scores: AttentionScores, part: Part) {
        self.scores = scores
        self.part = part
    }

    /// The gradient for one operand of attention whose scores have a factor.
    public init(scale: Double, isCausal: Bool = false, part: Part) {
        self.init(AttentionScores(scale: scale, isCausal: isCausal), part: part)
    }

    /// The gradient for attention of the operands, mask and key of dropout included.
    public func of(_ operands: [Tensor], result: Tensor, seed: Tensor) -> Tensor {
        let logSum = result.builder.add(AttentionLogSum(scores), operands)
        return result.builder.add(self, operands[..<3] + [seed, result, logSum] + operands[3...])
    }

    public var attributes: Attributes { scores.attributes + [("part", .text(part.rawValue))] }
    public init(attributes: Attributes, type: TensorType) throws(GraphError) {
        scores = try AttentionScores(attributes)
        let text = try attributes.text("part")
        guard let part = Part(rawValue: text) else {
            throw GraphError(
                .attribute, operation: Self.name,
                "part is '\(text)'; it is one of \(Part.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        self.part = part
    }

    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        try scores.checkCount(operands, matrices: Self.operandCount, self)
        let result: TensorType
        do { result = try Attention(scores).inferType(Array(operands[..<3] + operands[6...])) } catch {
            throw self.error(error.code, error.message)
        }
        let logSum = AttentionLogSum.type(of: result)
        guard operands[3] == result else { throw error(.shape, "the gradient is \(operands[3]), the result \(result)") }
        guard operands[4] == result, operands[5] == logSum else {
            throw error(
                .shape,
                "the result and its log-sums are \(operands[4]) and \(operands[5]), those of attention \(result) and \(logSum)"
            )
        }
        switch part {
        case .queries: return operands[0]
        case .keys: return operands[1]
        case .values: return operands[2]
        case .mask:
            guard let mask = scores.extras(operands, after: Self.operandCount).mask, mask.element.isFloatingPoint else {
                throw error(.attribute, "has no mask of numbers, whose gradient is wanted")
            }
            return mask
        }
    }

    public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
        let (q, k, v, seed, attended) = (operands[0], operands[1], operands[2], operands[3], operands[4])
        let rank = q.shape.count, (n, m) = (q.shape[rank - 2], k.shape[rank - 2]),
            (d, e) = (q.shape[rank - 1], v.shape[rank - 1])
        let (mask, key) = scores.extras(operands, after: Self.operandCount)
        let probabilities = scores.probabilities(q, k, mask)
        let factors = scores.dropped(HostTensor(probabilities.type, fill: 1), key)
        var result = HostTensor(type), scoreGradients = probabilities
        for batch in 0..<q.shape.dropLast(2).reduce(1, *) {
            func at(_ x: HostTensor, _ row: Int, _ column: Int) -> Double {
                x.values[(batch * x.shape[rank - 2] + row) * x.shape[rank - 1] + column]
            }
            for row in 0..<n {
                let gradients = (0..<m).map { other in
                    (0..<e).map { at(seed, row, $0) * at(v, other, $0) }.reduce(0, +)
                }
                let mean = (0..<e).map { at(seed, row, $0) * at(attended, row, $0) }.reduce(0, +)
                for other in 0..<m {
                    let probability = at(probabilities, row, other), factor = at(factors, row, other)
                    let gradient = factor == 0 ? 0 : gradients[other] * factor
                    let scoreGradient = probability * (gradient - mean)
                    scoreGradients.values[(batch * n + row) * m + other] = scoreGradient
                    switch part {
                    case .queries:
                        for c in 0..<d {
                            result.values[(batch * n + row) * d + c] += scoreGradient * scores.scale * at(k, other, c)
                        }
                    case .keys:
                        for c in 0..<d {
                            result.values[(batch * m + other) * d + c] += scoreGradient * scores.scale * at(q, row, c)
                        }
                    case .values:
                        for c in 0..<e {
                            result.values[(batch * m + other) * e + c] +=
                                (factor == 0 ? 0 : probability * factor) * at(seed, row, c)
                        }
                    case .mask: break
                    }
                }
            }
        }
        guard part == .mask else { return result }
        let summed = Reduce(.sum, axes: type.shape.indices.filter { type.shape[$0] == 1 })
        result.values =
            summed.evaluate([scoreGradients], type: type.with(shape: type.shape.filter { $0 != 1 })).values
        return result
    }

    public func decompose(_ operands: [Tensor]) -> Tensor {
        let (q, k, v, seed) = (operands[0], operands[1], operands[2], operands[3])
        let (mask, key) = scores.extras(operands, after: Self.operandCount)
        let probabilities = scores.probabilities(q, k, mask)
        func transposed(_ x: Tensor) -> Tensor { x.transpose(Attention.pairs(x.rank) + [x.rank - 1, x.rank - 2]) }
        if part == .values { return Attention.matmul(transposed(scores.dropped(probabilities, key)), seed) }
        let gradients = scores.dropped(Attention.matmul(seed, v, transposed: true), key)
        let change = probabilities * (gradients - sum(probabilities * gradients, axes: [-1], keepAxes: true))
        guard part != .mask else {
            let shape = mask?.shape ?? []
            return sum(change, axes: shape.indices.filter { shape[$0] == 1 }, keepAxes: true)
                .cast(mask?.element ?? change.element)
        }
        return part == .queries
            ? Attention.matmul(change * scores.scale, k) : Attention.matmul(transposed(change * scores.scale), q)
    }
}
