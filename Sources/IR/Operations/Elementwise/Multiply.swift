/// The product of two tensors, element by element.
public struct Multiply: BinaryOperation, DifferentiableOperation {
    public static let name = "multiply"
    public init() {}
    public func scalar(_ x: Double, _ y: Double) -> Double { x * y }
    public func gradient(_ context: GradientContext) -> [Tensor?] {
        [context.seed * context.operands[1], context.seed * context.operands[0]]
    }
}

/// Each element of x times that of y, broadcast to one shape; `matmul` is the product of matrices.
public func * (x: Tensor, y: Tensor) -> Tensor { x.binary(Multiply(), y) }
/// Each element times a number.
public func * (x: Tensor, y: Double) -> Tensor { x.binary(Multiply(), x.constant(y)) }
/// A number times each element.
public func * (x: Double, y: Tensor) -> Tensor { y.constant(x).binary(Multiply(), y) }
