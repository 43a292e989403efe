/// The smaller of two elements; NaN if one of them is. Where they are equal, each gets half of the gradient.
public struct Minimum: BinaryOperation, DifferentiableOperation {
    public static let name = "minimum"
    public init() {}
    public func scalar(_ x: Double, _ y: Double) -> Double { x.isNaN || y.isNaN ? .nan : Swift.min(x, y) }
    public func gradient(_ context: GradientContext) -> [Tensor?] {
        let x = context.operands[0], y = context.operands[1], seed = context.seed
        let zero = seed.constant(0), shared = select(equal(x, y), seed * 0.5, zero)
        return [select(less(x, y), seed, shared), select(less(y, x), seed, shared)]
    }
}

/// The smaller of two elements.
public func minimum(_ x: Tensor, _ y: Tensor) -> Tensor { x.binary(Minimum(), y) }
/// The smaller of each element and a number.
public func minimum(_ x: Tensor, _ y: Double) -> Tensor { x.binary(Minimum(), x.constant(y)) }
