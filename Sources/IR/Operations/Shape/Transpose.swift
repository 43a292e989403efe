/// The axes in another order: axis i of the result is axis `permutation[i]` of the operand.
public struct Transpose: Operation, DifferentiableOperation {
    public static let name = "transpose"
    public static let kind = OperationKind.view(.order)
    /// For each axis of the result the one of the operand.
    public var permutation: [Int]
    /// The view with the axes in an order.
    public init(_ permutation: [Int]) { self.permutation = permutation }
    public var attributes: Attributes { [("permutation", .integers(permutation))] }
    public init(attributes: Attributes, type: TensorType) throws(GraphError) {
        permutation = try attributes.integers("permutation")
    }

    /// The permutation that undoes this one.
    package var inverse: [Int] {
        var inverse = permutation
        for (position, axis) in permutation.enumerated() { inverse[axis] = position }
        return inverse
    }

    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        try expect(operands, count: 1)
        guard permutation.sorted() == Array(0..<operands[0].rank) else {
            throw error(.attribute, "\(permutation) is not an order of the axes of \(shapeText(operands[0].shape))")
        }
        return operands[0].with(shape: permutation.map { operands[0].shape[$0] })
    }

    public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
        var result = HostTensor(type)
        let strides = permutation.map { operands[0].strides[$0] }
        forEachIndex(type.shape) { index, place in result.values[place] = operands[0].values[position(index, strides)] }
        return result
    }

    public func gradient(_ context: GradientContext) -> [Tensor?] { [context.seed.transpose(inverse)] }
}

extension Tensor {
    /// The axes in another order.
    public func transpose(_ permutation: [Int], file: String = #fileID, line: Int = #line) -> Tensor {
        if isValid, permutation == Array(0..<rank) { return self }
        return builder.add(Transpose(permutation), [self], location: builder.location(file, line))
    }
}
