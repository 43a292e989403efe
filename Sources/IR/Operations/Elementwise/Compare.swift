/// A comparison of two tensors, element by element; a comparison with NaN is false, except "not equal".
public struct Compare: ElementwiseOperation, NonDifferentiableOperation {
    public static let name = "compare"
    public static let kind = OperationKind.elementwise
    /// What an element is compared for.
    public enum Direction: String, Hashable, Sendable, CaseIterable {
        /// A relation of two numbers; NaN is equal to none, and neither less nor greater.
        case equal, notEqual, less, lessEqual, greater, greaterEqual
    }
    /// What elements of the first operand are compared with those of the second for.
    public var direction: Direction

    /// The comparison for one of six relations.
    public init(_ direction: Direction) { self.direction = direction }
    public var attributes: Attributes { [("direction", .text(direction.rawValue))] }
    public init(attributes: Attributes, type: TensorType) throws(GraphError) {
        let text = try attributes.text("direction")
        guard let direction = Direction(rawValue: text) else {
            throw GraphError(.syntax, operation: Self.name, "unknown direction '\(text)'")
        }
        self.direction = direction
    }

    public func scalar(_ operands: [Double]) -> Double {
        let (x, y) = (operands[0], operands[1])
        let holds =
            switch direction {
            case .equal: x == y
            case .notEqual: x != y
            case .less: x < y
            case .lessEqual: x <= y
            case .greater: x > y
            case .greaterEqual: x >= y
            }
        return holds ? 1 : 0
    }

    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        try expectEqualNumbers(operands)
        return operands[0].with(.bool)
    }
}

/// Where x = y, element by element.
public func equal(_ x: Tensor, _ y: Tensor) -> Tensor {
    x.within("equal") { x.binary(Compare(.equal), y) }
}
/// Where x ≠ y, element by element.
public func notEqual(_ x: Tensor, _ y: Tensor) -> Tensor {
    x.within("notEqual") { x.binary(Compare(.notEqual), y) }
}
/// Where x < y, element by element.
public func less(_ x: Tensor, _ y: Tensor) -> Tensor {
    x.within("less") { x.binary(Compare(.less), y) }
}
/// Where x ≤ y, element by element.
public func lessEqual(_ x: Tensor, _ y: Tensor) -> Tensor {
    x.within("lessEqual") { x.binary(Compare(.lessEqual), y) }
}
/// Where x > y, element by element.
public func greater(_ x: Tensor, _ y: Tensor) -> Tensor {
    x.within("greater") { x.binary(Compare(.greater), y) }
}
/// Where x ≥ y, element by element.
public func greaterEqual(_ x: Tensor, _ y: Tensor) -> Tensor {
    x.within("greaterEqual") { x.binary(Compare(.greaterEqual), y) }
}
