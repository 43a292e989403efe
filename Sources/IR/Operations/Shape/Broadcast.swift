/// Repeats a tensor: axis i of the operand becomes axis `axes[i]` of the result; an extent of 1 is stretched, other
/// axes are new.
public struct Broadcast: Operation, DifferentiableOperation {
    public static let name = "broadcast"
    public static let kind = OperationKind.repetition
    /// The shape of the result.
    public var shape: [Int]
    /// For each axis of the operand the one of the result, in ascending order.
    public var axes: [Int]

    /// The repetition to a shape, in which the operand's axes are the given ones.
    public init(shape: [Int], axes: [Int]) {
        self.shape = shape
        self.axes = axes
    }

    public var attributes: Attributes { [("axes", .integers(axes))] }
    public init(attributes: Attributes, type: TensorType) throws(GraphError) {
        shape = type.shape
        axes = try attributes.integers("axes")
    }

    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        try expect(operands, count: 1)
        let source = operands[0].shape
        guard axes.count == source.count, zip(axes, axes.dropFirst()).allSatisfy({ $0 < $1 }) else {
            throw error(
                .attribute, "axes \(axes) do not name the \(source.count) axes of \(shapeText(source)) in order")
        }
        for (axis, extent) in zip(axes, source) {
            try expect(axis: axis, rank: shape.count)
            guard extent == 1 || extent == shape[axis] else {
                throw error(
                    .shape,
                    "\(shapeText(source)) cannot be broadcast to \(shapeText(shape)): \(extent) and \(shape[axis]) differ"
                )
            }
        }
        return operands[0].with(shape: shape)
    }

    public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
        var result = HostTensor(type)
        let source = operands[0]
        var strides = [Int](repeating: 0, count: type.rank)
        for (position, axis) in axes.enumerated() where source.shape[position] > 1 {
            strides[axis] = source.strides[position]
        }
        forEachIndex(type.shape) { index, place in result.values[place] = source.values[position(index, strides)] }
        return result
    }

    public func gradient(_ context: GradientContext) -> [Tensor?] {
        let source = context.operands[0].shape
        let kept = Set(zip(axes, source).filter { $0.1 == shape[$0.0] }.map(\.0))
        let summed = shape.indices.filter { !kept.contains($0) }
        return [sum(context.seed, axes: summed).reshape(source)]
    }
}

extension Tensor {
    /// Stretches extents of 1 and adds leading axes until the tensor has this shape, as NumPy does.
    public func broadcast(to shape: [Int], file: String = #fileID, line: Int = #line) -> Tensor {
        guard isValid, shape != self.shape else { return self }
        let axes = shape.count >= rank ? Array((shape.count - rank)..<shape.count) : []
        return builder.add(Broadcast(shape: shape, axes: axes), [self], location: builder.location(file, line))
    }
}
