/// Each element's index along one axis: 0, 1, 2…
public struct Iota: Operation, NonDifferentiableOperation {
    public static let name = "iota"
    public static let kind = OperationKind.generated
    /// Shape and element type.
    public var type: TensorType
    /// The axis that is counted along.
    public var axis: Int

    /// Numbers from 0 along an axis.
    public init(_ type: TensorType, axis: Int) {
        self.type = type
        self.axis = axis
    }

    public var attributes: Attributes { [("axis", .integer(axis))] }
    public init(attributes: Attributes, type: TensorType) throws(GraphError) {
        self.type = type
        axis = try attributes.integer("axis")
    }

    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        try expect(operands, count: 0)
        try expect(axis: axis, rank: type.rank)
        guard type.element != .bool else { throw error(.elementType, "counts in numbers, not in bool") }
        return type
    }

    public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
        var result = HostTensor(type)
        forEachIndex(type.shape) { index, position in result.values[position] = Double(index[axis]) }
        return result
    }
}
