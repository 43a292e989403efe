/// Elements of the second operand where the first (bool) is true, of the third elsewhere.
public struct Select: ElementwiseOperation, DifferentiableOperation {
    public static let name = "select"
    public static let kind = OperationKind.elementwise
    /// The operation, which has no attributes.
    public init() {}
    public var attributes: Attributes { [] }
    public init(attributes: Attributes, type: TensorType) { self.init() }
    public func scalar(_ operands: [Double]) -> Double { operands[0] != 0 ? operands[1] : operands[2] }

    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        try expect(operands, count: 3)
        guard operands[0].element == .bool else {
            throw error(.elementType, "the condition is \(operands[0]), not bool")
        }
        guard operands[1] == operands[2] else {
            throw error(.elementType, "the choices \(operands[1]) and \(operands[2]) differ")
        }
        guard operands[0].shape == operands[1].shape else {
            throw error(.shape, "the condition \(operands[0]) and the choices \(operands[1]) differ in shape")
        }
        return operands[1]
    }

    public func gradient(_ context: GradientContext) -> [Tensor?] {
        let zero = context.seed.constant(0)
        return [nil, select(context.operands[0], context.seed, zero), select(context.operands[0], zero, context.seed)]
    }
}

/// Elements of `a` where the condition holds, of `b` elsewhere; all three are broadcast together.
public func select(_ condition: Tensor, _ a: Tensor, _ b: Tensor) -> Tensor {
    var (x, y) = broadcastTogether(a, b, operation: Select.name)
    let (test, z) = broadcastTogether(condition, x, operation: Select.name)
    (x, y) = broadcastTogether(z, y, operation: Select.name)
    return a.builder.add(Select(), [test, x, y])
}
