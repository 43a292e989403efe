import ApusIR

extension OperatorTable {
    static let matmulOperators: [String: Operator] = [
        "MatMul": one { try product($0.tensor(0), $0.tensor(1), $0) },
        "Gemm": one(general),
        "Einsum": one { node in
            guard let equation = try node.text("equation") else {
                throw node.error(.attribute, "its attribute 'equation' is missing")
            }
            let operands = try node.tensors(), text = equation
            switch operands.count {
            case 1: return einsum(text, operands[0])
            case 2: return einsum(text, operands[0], operands[1])
            case 3: return einsum(text, operands[0], operands[1], operands[2])
            default: throw node.error(.unsupported, "has \(operands.count) operands; up to 3 are imported")
            }
        },
    ]

    /// The matrix product of NumPy: over the last two axes, where those before them are broadcast together.
    static func product(_ x: Tensor, _ y: Tensor, _ node: ImportedNode) throws -> Tensor {
        guard x.isValid, y.isValid else { return x.isValid ? y : x }
        guard x.rank > 0, y.rank > 0 else { throw node.error(.attribute, "multiplies \(x.type) and \(y.type)") }
        let left = x.rank == 1 ? x.reshape([1] + x.shape) : x, right = y.rank == 1 ? y.reshape(y.shape + [1]) : y
        var result: Tensor
        if right.rank == 2 {
            result = matmul(left, right)
        } else {
            let pre = Array(left.shape.dropLast(2)), post = Array(right.shape.dropLast(2))
            guard let batch = KnownOperators.broadcastShape(pre, post) else {
                throw node.error(.attribute, "the leading axes of \(x.type) and \(y.type) do not fit together")
            }
            result = matmul(
                left.broadcast(to: batch + left.shape.suffix(2)), right.broadcast(to: batch + right.shape.suffix(2)))
        }
        guard result.isValid else { return result }
        if y.rank == 1 { result = result.reshape(Array(result.shape.dropLast())) }
        if x.rank == 1 {
            var shape = result.shape
            shape.remove(at: shape.count - (y.rank == 1 ? 1 : 2))
            result = result.reshape(shape)
        }
        return result
    }

    /// alpha · A · B + beta · C, where A and B may be transposed.
    @Sendable private static func general(_ node: ImportedNode) throws -> Tensor {
        let (a, b) = (try node.tensor(0), try node.tensor(1))
        guard a.rank == 2, b.rank == 2 else {
            throw node.error(.attribute, "multiplies \(a.type) and \(b.type), not matrices")
        }
        let alpha = try node.number("alpha", default: 1), beta = try node.number("beta", default: 1)
        var result = dot(a, b, contracting: [(try node.flag("transA") ? 0 : 1, try node.flag("transB") ? 1 : 0)])
        if alpha != 1 { result = result * alpha }
        guard let c = try node.optionalTensor(2), result.isValid else { return result }
        guard let shape = KnownOperators.broadcastShape(c.shape, result.shape), shape == result.shape else {
            throw node.error(.attribute, "adds \(c.type) to \(result.type)")
        }
        return result + (beta == 1 ? c : c * beta)
    }
}
