/// The identity on the first operand, with a control dependency on the second: an optimization barrier, as XLA calls
/// it.
///
/// What is computed from it is computed late, and is never the same expression as what is computed from the operand
/// directly: so a value is computed a second time rather than kept.
public struct After: Operation, NonDifferentiableOperation {
    public static let name = "after"
    public static let kind = OperationKind.view(.barrier)
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
    package var readOperands: ArraySlice<Value> { operation is After ? operands.prefix(1) : operands[...] }
}

extension Tensor {
    /// This tensor, for what is not to be computed before another one.
    package func after(_ other: Tensor) -> Tensor { builder.add(After(), [self, other]) }
}
