/// The same numbers in another element type: rounded to nearest even, to integers truncated, to bool "is not zero".
public struct Cast: Operation, DifferentiableOperation {
    public static let name = "cast"
    public static let kind = OperationKind.elementwise
    /// The element type of the result.
    public var element: ElementType
    /// The cast to an element type.
    public init(_ element: ElementType) { self.element = element }
    public var attributes: Attributes { [] }
    public init(attributes: Attributes, type: TensorType) { element = type.element }

    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        try expect(operands, count: 1)
        return operands[0].with(element)
    }

    public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
        // f32 is not rounded: the interpreter computes in f64 what kernels approximate in f32.
        if element == .f32 || element == .f64 { return HostTensor(type, operands[0].values) }
        return HostTensor(type, operands[0].values.map(element.rounded))
    }

    public func gradient(_ context: GradientContext) -> [Tensor?] {
        let source = context.operands[0].element
        return [source.isFloatingPoint && element.isFloatingPoint ? context.seed.cast(source) : nil]
    }
}

extension Tensor {
    /// The same numbers in another element type.
    public func cast(_ element: ElementType) -> Tensor {
        isValid && self.element == element ? self : builder.add(Cast(element), [self])
    }
}
