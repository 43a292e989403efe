/// The negative of each element; of floating-point numbers and integers.
public struct Negate: ElementwiseOperation, DifferentiableOperation {
    public static let name = "negate"
    public static let kind = OperationKind.elementwise
    /// The operation, which has no attributes.
    public init() {}
    public var attributes: Attributes { [] }
    public init(attributes: Attributes, type: TensorType) { self.init() }
    public func scalar(_ operands: [Double]) -> Double { -operands[0] }
    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        try expect(operands, count: 1)
        guard operands[0].element != .bool else { throw error(.elementType, "takes numbers, has \(operands[0])") }
        return operands[0]
    }
    public func gradient(_ context: GradientContext) -> [Tensor?] { [-context.seed] }
}

/// Each element with the other sign.
public prefix func - (x: Tensor) -> Tensor { x.builder.add(Negate(), [x]) }
