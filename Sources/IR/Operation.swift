/// One kind of computation of the IR: its name, attributes, shape rule and meaning, all in one file.
///
/// An operation is a value: two operations with equal attributes are equal. What it means is said by
/// `evaluate`, in f64; every kernel and every rewrite is tested against that.
public protocol Operation: Hashable, Sendable {
    /// The mnemonic of the text form, such as `reduce`.
    static var name: String { get }
    /// Where the elements of the result come from.
    static var kind: OperationKind { get }
    /// The attributes in the order in which they are printed.
    var attributes: Attributes { get }
    /// Reads an operation back from its text form; `type` is the printed result type.
    init(attributes: Attributes, type: TensorType) throws(GraphError)
    /// The result type for these operands, or what is wrong with them.
    func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType
    /// The meaning: the value of the result for these operands.
    func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor
}

/// An operation that computes each element of its result from the elements at the same place.
public protocol ElementwiseOperation: Operation {
    /// The meaning for one element.
    func scalar(_ operands: [Double]) -> Double
}

/// An operation through which gradients flow.
public protocol DifferentiableOperation: Operation {
    /// The gradients of the operands, given that of the result; nil for an operand that gets none.
    func gradient(_ context: GradientContext) -> [Tensor?]
}

/// An operation that is made of simpler ones. One without a gradient of its own is decomposed before differentiation.
public protocol CompositeOperation: Operation {
    /// The result for these operands, made of simpler operations.
    func decompose(_ operands: [Tensor]) -> Tensor
}

/// An operation whose result does not depend smoothly on its operands: no gradient flows through it.
public protocol NonDifferentiableOperation: Operation {}

/// What a gradient rule sees: the operands and result of the forward pass, and the gradient of the result.
public struct GradientContext {
    /// The operands of the forward pass.
    public var operands: [Tensor]
    /// Its result.
    public var result: Tensor
    /// The gradient of the result, of its type.
    public var seed: Tensor

    /// What a rule sees of one node.
    public init(operands: [Tensor], result: Tensor, seed: Tensor) {
        self.operands = operands
        self.result = result
        self.seed = seed
    }
}

extension Operation {
    /// The mnemonic of the text form.
    public var name: String { Self.name }

    /// A typed error about this operation.
    package func error(_ code: GraphError.Code, _ message: String) -> GraphError {
        GraphError(code, operation: Self.name, message)
    }

    /// Fails unless there are `count` operands.
    package func expect(_ operands: [TensorType], count: Int) throws(GraphError) {
        guard operands.count == count else {
            throw error(.structure, "takes \(count) operands, has \(operands.count)")
        }
    }

    /// Fails unless `axis` is one of the axes of a tensor of this rank.
    package func expect(axis: Int, rank: Int) throws(GraphError) {
        guard axis >= 0, axis < rank else {
            throw error(.attribute, "axis \(axis) is out of range for rank \(rank)")
        }
    }

    /// Fails unless the element type is one of floating point.
    package func expectFloat(_ type: TensorType) throws(GraphError) {
        guard type.element.isFloatingPoint else {
            throw error(.elementType, "takes floating-point elements, has \(type)")
        }
    }
}

/// An element-wise operation on one floating-point operand; the result has the operand's type.
public protocol UnaryOperation: ElementwiseOperation {
    /// The operation, which has no attributes.
    init()
    /// The meaning for one element.
    func scalar(_ x: Double) -> Double
}

extension UnaryOperation {
    public static var kind: OperationKind { .elementwise }
    public var attributes: Attributes { [] }
    /// The operation, whatever its attributes.
    public init(attributes: Attributes, type: TensorType) { self.init() }
    public func scalar(_ operands: [Double]) -> Double { scalar(operands[0]) }
    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        try expect(operands, count: 1)
        try expectFloat(operands[0])
        return operands[0]
    }
}

/// An element-wise operation on two numeric operands of equal type; the result has the same type.
public protocol BinaryOperation: ElementwiseOperation {
    /// The operation, which has no attributes.
    init()
    /// The meaning for one element of each operand.
    func scalar(_ x: Double, _ y: Double) -> Double
}

extension BinaryOperation {
    public static var kind: OperationKind { .elementwise }
    public var attributes: Attributes { [] }
    /// The operation, whatever its attributes.
    public init(attributes: Attributes, type: TensorType) { self.init() }
    public func scalar(_ operands: [Double]) -> Double { scalar(operands[0], operands[1]) }
    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        try expectEqualNumbers(operands)
        return operands[0]
    }
}

extension ElementwiseOperation {
    /// Fails unless there are two operands of one and the same numeric type.
    package func expectEqualNumbers(_ operands: [TensorType]) throws(GraphError) {
        try expect(operands, count: 2)
        guard operands[0].element == operands[1].element else {
            throw error(.elementType, "element types differ: \(operands[0]) and \(operands[1])")
        }
        guard operands[0].shape == operands[1].shape else {
            throw error(.shape, "shapes \(shapeText(operands[0].shape)) and \(shapeText(operands[1].shape)) differ")
        }
        guard operands[0].element != .bool else { throw error(.elementType, "takes numbers, has \(operands[0])") }
    }

    public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
        var result = HostTensor(type)
        var scalars = [Double](repeating: 0, count: operands.count)
        for index in result.values.indices {
            for (position, operand) in operands.enumerated() { scalars[position] = operand.values[index] }
            result.values[index] = scalar(scalars)
        }
        return result
    }
}
