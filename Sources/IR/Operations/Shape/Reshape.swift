/// The same elements in the same row-major order under another shape.
public struct Reshape: Operation, DifferentiableOperation {
    public static let name = "reshape"
    public static let kind = OperationKind.view(.shape)
    /// The shape of the result, with as many elements as the operand.
    public var shape: [Int]
    /// The view of a shape.
    public init(_ shape: [Int]) { self.shape = shape }
    public var attributes: Attributes { [] }
    public init(attributes: Attributes, type: TensorType) { shape = type.shape }

    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        try expect(operands, count: 1)
        guard isShape(shape) else { throw error(.shape, "\(shapeText(shape)) is not a shape") }
        let result = operands[0].with(shape: shape)
        guard result.count == operands[0].count else {
            throw error(
                .shape,
                "\(shapeText(operands[0].shape)) has \(operands[0].count) elements, \(shapeText(shape)) has \(result.count)"
            )
        }
        return result
    }

    public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
        HostTensor(type, operands[0].values)
    }
    public func gradient(_ context: GradientContext) -> [Tensor?] { [context.seed.reshape(context.operands[0].shape)] }
}

extension Tensor {
    /// The same elements under another shape; one extent may be -1 and follows from the rest.
    public func reshape(_ shape: [Int], file: String = #fileID, line: Int = #line) -> Tensor {
        guard isValid, shape != self.shape else { return self }
        var resolved = shape
        let known = shape.filter { $0 != -1 }
        if let open = shape.firstIndex(of: -1), isShape(known) { resolved[open] = type.count / known.reduce(1, *) }
        return builder.add(Reshape(resolved), [self], location: builder.location(file, line))
    }
}
