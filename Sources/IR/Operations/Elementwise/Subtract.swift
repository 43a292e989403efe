/// The difference of two tensors, element by element.
public struct Subtract: BinaryOperation, DifferentiableOperation {
    public static let name = "subtract"
    public init() {}
    public func scalar(_ x: Double, _ y: Double) -> Double { x - y }
    public func gradient(_ context: GradientContext) -> [Tensor?] {
        [context.seed, -context.seed]
    }
}

public func - (x: Tensor, y: Tensor) -> Tensor { x.binary(Subtract(), y) }
public func - (x: Tensor, y: Double) -> Tensor { x.binary(Subtract(), x.constant(y)) }
public func - (x: Double, y: Tensor) -> Tensor { y.constant(x).binary(Subtract(), y) }
