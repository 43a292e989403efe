/// A tensor that the caller provides with every run.
public struct Input: Operation, NonDifferentiableOperation {
    public static let name = "input"
    public var name: String
    public var type: TensorType

    public init(_ name: String, _ type: TensorType) {
        self.name = name
        self.type = type
    }

    public var attributes: Attributes { [("name", .text(name))] }
    public init(attributes: Attributes, type: TensorType) throws(GraphError) {
        name = try attributes.text("name")
        self.type = type
    }

    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        try expect(operands, count: 0)
        return type
    }
    /// Inputs are bound by the interpreter; an unbound one is zero.
    public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor { HostTensor(type) }
}
