/// The sum of two tensors, element by element.
public struct Add: BinaryOperation, DifferentiableOperation {
    public static let name = "add"
    public init() {}
    public func scalar(_ x: Double, _ y: Double) -> Double { x + y }
    public func gradient(_ context: GradientContext) -> [Tensor?] {
        [context.seed, context.seed]
    }
}

/// The sum of each element of x and y, broadcast to one shape.
public func + (x: Tensor, y: Tensor) -> Tensor { x.binary(Add(), y) }
/// Each element plus a number.
public func + (x: Tensor, y: Double) -> Tensor { x.binary(Add(), x.constant(y)) }
/// A number plus each element.
public func + (x: Double, y: Tensor) -> Tensor { y.constant(x).binary(Add(), y) }
