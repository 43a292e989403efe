/// The quotient of two floating-point tensors, element by element.
public struct Divide: ElementwiseOperation, DifferentiableOperation {
    public static let name = "divide"
    public static let kind = OperationKind.elementwise
    /// The operation, which has no attributes.
    public init() {}
    public var attributes: Attributes { [] }
    public init(attributes: Attributes, type: TensorType) { self.init() }
    public func scalar(_ operands: [Double]) -> Double { operands[0] / operands[1] }
    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        try expectEqualNumbers(operands)
        guard operands[0].element.isFloatingPoint else {
            throw error(.elementType, "takes floating-point elements, has \(operands[0]); cast first")
        }
        return operands[0]
    }
    public func gradient(_ context: GradientContext) -> [Tensor?] {
        let divisor = context.operands[1]
        return [context.seed / divisor, -(context.seed * context.result / divisor)]
    }
}

/// Each element of x by that of y, broadcast to one shape.
public func / (x: Tensor, y: Tensor) -> Tensor { x.binary(Divide(), y) }
/// Each element by a number.
public func / (x: Tensor, y: Double) -> Tensor { x.binary(Divide(), x.constant(y)) }
/// A number by each element.
public func / (x: Double, y: Tensor) -> Tensor { y.constant(x).binary(Divide(), y) }
