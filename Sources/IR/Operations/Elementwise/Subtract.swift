/// The difference of two tensors, element by element.
public struct Subtract: BinaryOperation, DifferentiableOperation {
    public static let name = "subtract"
    public init() {}
    public func scalar(_ x: Double, _ y: Double) -> Double { x - y }
    public func gradient(_ context: GradientContext) -> [Tensor?] {
        [context.seed, -context.seed]
    }
}

/// Each element of x minus that of y, broadcast to one shape.
public func - (x: Tensor, y: Tensor) -> Tensor { x.binary(Subtract(), y) }
/// Each element minus a number.
public func - (x: Tensor, y: Double) -> Tensor { x.binary(Subtract(), x.constant(y)) }
/// A number minus each element.
public func - (x: Double, y: Tensor) -> Tensor { y.constant(x).binary(Subtract(), y) }
