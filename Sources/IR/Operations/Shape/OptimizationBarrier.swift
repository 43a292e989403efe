/// Identity on operand 0 with a control dependency on operand 1 (an optimization barrier).
///
/// What is computed from it is computed late, and is never the same expression as what is computed from the operand
/// directly: so a value is computed a second time rather than kept.
public struct OptimizationBarrier: Operation, NonDifferentiableOperation {
    public static let name = "optimization_barrier"
    public static let kind = OperationKind.view(.barrier)
    /// The operation, which has no attributes.
    public init() {}
    public var attributes: Attributes { [] }
    public init(attributes: Attributes, type: TensorType) { self.init() }
    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        try expect(operands, count: 2)
        return operands[0]
    }
    public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor { operands[0] }
}

extension Node {
    /// The operands whose elements are read; the others only say when.
    package var readOperands: ArraySlice<Value> {
        operation.kind == .view(.barrier) ? operands.prefix(1) : operands[...]
    }
}

extension Tensor {
    /// This tensor, for what is not to be computed before another one.
    package func barrier(after other: Tensor) -> Tensor { builder.add(OptimizationBarrier(), [self, other]) }
}
