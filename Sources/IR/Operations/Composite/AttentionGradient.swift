/// The gradient of `Attention` with respect to one of its operands.
///
/// Operands: q, k, v and the gradient of the result; the result has the type of the operand that `part` names. With the
/// probabilities P = softmax(q · kᵀ · scale) and their gradient D = seed · vᵀ, the gradient of the scores is S = P ∘ (D
/// − rowsum(P ∘ D)) · scale, and those of q, k and v are S · k, Sᵀ · q and Pᵀ · seed.
public struct AttentionGradient: CompositeOperation {
    public static let name = "attention_gradient"
    public static let kind = OperationKind.attention

    public enum Part: String, Hashable, Sendable, CaseIterable {
        case queries, keys, values
    }
    public var scale: Double
    public var part: Part

    public init(scale: Double, part: Part) {
        self.scale = scale
        self.part = part
    }

    public var attributes: Attributes { [("scale", .number(scale)), ("part", .text(part.rawValue))] }
    public init(attributes: Attributes, type: TensorType) throws(GraphError) {
        scale = try attributes.number("scale")
        let text = try attributes.text("part")
        guard let part = Part(rawValue: text) else {
            throw GraphError(
                .attribute, operation: Self.name,
                "part is '\(text)'; it is one of \(Part.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        self.part = part
    }

    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        try expect(operands, count: 4)
        let result: TensorType
        do { result = try Attention(scale: scale).inferType(Array(operands.prefix(3))) } catch {
            throw self.error(error.code, error.message)
        }
        guard operands[3] == result else { throw error(.shape, "the gradient is \(operands[3]), the result \(result)") }
        return operands[AttentionGradient.Part.allCases.firstIndex(of: part) ?? 0]
    }

    public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
        let (q, k, v, seed) = (operands[0], operands[1], operands[2], operands[3])
        let rank = type.rank, (n, m) = (q.shape[rank - 2], k.shape[rank - 2]),
            (d, e) = (q.shape[rank - 1], v.shape[rank - 1])
        var result = HostTensor(type)
        for batch in 0..<q.shape.dropLast(2).reduce(1, *) {
            func at(_ x: HostTensor, _ row: Int, _ column: Int) -> Double {
                x.values[(batch * x.shape[rank - 2] + row) * x.shape[rank - 1] + column]
            }
            for row in 0..<n {
                let scores = (0..<m).map { other in
                    (0..<d).map { at(q, row, $0) * at(k, other, $0) }.reduce(0, +) * scale
                }
                let probabilities = Softmax().evaluate(
                    [HostTensor(TensorType(.f64, [m]), scores)], type: TensorType(.f64, [m])
                ).values
                let gradients = (0..<m).map { other in
                    (0..<e).map { at(seed, row, $0) * at(v, other, $0) }.reduce(0, +)
                }
                let mean = zip(probabilities, gradients).map(*).reduce(0, +)
                for other in 0..<m {
                    let scoreGradient = probabilities[other] * (gradients[other] - mean) * scale
                    switch part {
                    case .queries:
                        for c in 0..<d { result.values[(batch * n + row) * d + c] += scoreGradient * at(k, other, c) }
                    case .keys:
                        for c in 0..<d { result.values[(batch * m + other) * d + c] += scoreGradient * at(q, row, c) }
                    case .values:
                        for c in 0..<e {
                            result.values[(batch * m + other) * e + c] += probabilities[other] * at(seed, row, c)
                        }
                    }
                }
            }
        }
        return result
    }

    public func decompose(_ operands: [Tensor]) -> Tensor {
        let (q, k, v, seed) = (operands[0], operands[1], operands[2], operands[3])
        let probabilities = Attention.probabilities(q, k, scale: scale)
        func transposed(_ x: Tensor) -> Tensor { x.transpose(Attention.pairs(x.rank) + [x.rank - 1, x.rank - 2]) }
        if part == .values { return Attention.matmul(transposed(probabilities), seed) }
        let gradients = Attention.matmul(seed, v, transposed: true)
        let scores = probabilities * (gradients - sum(probabilities * gradients, axes: [-1], keepAxes: true)) * scale
        return part == .queries ? Attention.matmul(scores, k) : Attention.matmul(transposed(scores), q)
    }
}
