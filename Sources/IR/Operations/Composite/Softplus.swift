import Foundation

/// log(1 + exp(x)), a smooth maximum of x and 0 (Dugas et al. 2001), without overflow and without losing small results.
public struct Softplus: CompositeOperation, DifferentiableOperation {
    public static let name = "softplus"
    public static let kind = OperationKind.composite(.elementwise)
    /// The operation, which has no attributes.
    public init() {}
    public var attributes: Attributes { [] }
    public init(attributes: Attributes, type: TensorType) { self.init() }

    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        try expect(operands, count: 1)
        try expectFloat(operands[0])
        return operands[0]
    }

    public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
        HostTensor(
            type,
            operands[0].values.map { x in
                x.isNaN ? x : Swift.max(x, 0) + Foundation.log1p(Foundation.exp(-Swift.abs(x)))
            })
    }

    /// max(x, 0) + log(1 + e) with e = exp(−|x|), where log(1 + e) = log(u) · e / (u − 1) for the rounded u = 1 + e
    /// (Goldberg 1991, theorem 4), and e itself where u is 1.
    public func decompose(_ operands: [Tensor]) -> Tensor {
        let x = operands[0], e = exp(-abs(x)), one = x.constant(1), u = e + 1
        return maximum(x, 0) + select(equal(u, one), e, log(u) * (e / (u - 1)))
    }

    public func gradient(_ context: GradientContext) -> [Tensor?] { [context.seed * sigmoid(context.operands[0])] }
}

/// log(1 + exp(β · x)) / β, as PyTorch's `softplus`; there, results for β · x above 20 are x.
public func softplus(_ x: Tensor, beta: Double = 1) -> Tensor {
    let scaled = beta == 1 ? x : x * beta, y = x.builder.add(Softplus(), [scaled])
    return beta == 1 ? y : y * (1 / beta)
}
