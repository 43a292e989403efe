/// The operand itself, in memory of its own.
///
/// The schedule computes cheap values anew wherever they are read; a copy says that this one is to lie in memory,
/// contiguously.
public struct Copy: Operation, DifferentiableOperation {
    public static let name = "copy"
    public static let kind = OperationKind.copy
    /// The operation, which has no attributes.
    public init() {}
    public var attributes: Attributes { [] }
    public init(attributes: Attributes, type: TensorType) { self.init() }
    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        try expect(operands, count: 1)
        return operands[0]
    }
    public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor { operands[0] }
    public func gradient(_ context: GradientContext) -> [Tensor?] { [context.seed] }
}

extension Tensor {
    /// This tensor, in memory of its own.
    public func copied() -> Tensor { builder.add(Copy(), [self]) }
}
