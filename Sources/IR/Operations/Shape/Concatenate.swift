/// Tensors one after the other along an axis.
public struct Concatenate: Operation, DifferentiableOperation {
    public static let name = "concatenate"
    public static let kind = OperationKind.join
    /// The axis along which the operands follow on each other.
    public var axis: Int
    /// The concatenation along an axis.
    public init(axis: Int) { self.axis = axis }
    public var attributes: Attributes { [("axis", .integer(axis))] }
    public init(attributes: Attributes, type: TensorType) throws(GraphError) { axis = try attributes.integer("axis") }

    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        guard let first = operands.first else { throw error(.structure, "has no operands") }
        try expect(axis: axis, rank: first.rank)
        var shape = first.shape
        shape[axis] = 0
        for operand in operands {
            var common = operand.shape
            guard operand.element == first.element else {
                throw error(.elementType, "element types of \(first) and \(operand) differ")
            }
            guard operand.rank == first.rank else { throw error(.shape, "ranks of \(first) and \(operand) differ") }
            common[axis] = shape[axis]
            guard common == shape else { throw error(.shape, "\(first) and \(operand) differ outside axis \(axis)") }
            shape[axis] += operand.shape[axis]
            guard shape[axis] <= largestElementCount else { throw error(.shape, "the result has too many elements") }
        }
        return first.with(shape: shape)
    }

    public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
        var result = HostTensor(type)
        var start = 0
        for operand in operands {
            let offset = start * result.strides[axis]
            forEachIndex(operand.shape) { index, place in
                result.values[offset + position(index, result.strides)] = operand.values[place]
            }
            start += operand.shape[axis]
        }
        return result
    }

    public func gradient(_ context: GradientContext) -> [Tensor?] {
        var start = 0
        return context.operands.map { operand in
            defer { start += operand.shape[axis] }
            return context.seed.slice(start..<start + operand.shape[axis], axis: axis)
        }
    }
}

/// Tensors one after the other along an axis (negative axes count from the end). Joining none is a mistake, which the
/// graph reports in which the result is used.
public func concatenate(_ tensors: [Tensor], axis: Int, file: String = #fileID, line: Int = #line) -> Tensor {
    guard let first = tensors.first else {
        let error = GraphError(
            .structure, operation: Concatenate.name, "there are no tensors to join",
            location: SourceLocation(file: file, line: line))
        return GraphBuilder(refusing: error).invalid()
    }
    guard tensors.count > 1 else { return first }
    let builder = first.builder
    return builder.add(Concatenate(axis: first.axis(axis)), tensors, location: builder.location(file, line))
}
