/// What two nodes must have in common to compute the same.
package struct Expression: Hashable {
    package let operation: any Operation
    package let operands: [Value]
    /// The type of the result, where the operation and its operands do not tell.
    package let type: TensorType?

    package init(_ operation: any Operation, _ operands: [Value], _ type: TensorType? = nil) {
        self.operation = operation
        self.operands = operands
        self.type = type
    }

    /// Operands come first: they are compared quickly, and mostly tell already.
    package static func == (a: Expression, b: Expression) -> Bool {
        a.operands == b.operands && a.type == b.type && a.operation.isEqual(to: b.operation)
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(ObjectIdentifier(Swift.type(of: operation)))
        operation.hash(into: &hasher)
        hasher.combine(operands)
    }
}
