import Foundation

/// x · Φ(x), with the distribution function Φ of the normal distribution (Hendrycks and Gimpel 2016), the exact form
/// with erf.
public struct GELU: CompositeOperation, DifferentiableOperation {
    public static let name = "gelu"
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
        HostTensor(type, operands[0].values.map { 0.5 * $0 * (1 + Foundation.erf($0 * 0.5.squareRoot())) })
    }

    /// Φ(x).
    private func distribution(_ x: Tensor) -> Tensor { erf(x * 0.5.squareRoot()) * 0.5 + 0.5 }

    public func decompose(_ operands: [Tensor]) -> Tensor { operands[0] * distribution(operands[0]) }

    public func gradient(_ context: GradientContext) -> [Tensor?] {
        let x = context.operands[0]
        let density = exp(x * x * -0.5) * (1 / (2 * Double.pi).squareRoot())
        return [context.seed * (distribution(x) + x * density)]
    }
}

/// The Gaussian error linear unit of each element.
public func gelu(_ x: Tensor) -> Tensor { x.builder.add(GELU(), [x]) }
