/// The larger of two elements; NaN if one of them is. Where they are equal, each gets half of the gradient.
public struct Maximum: BinaryOperation, DifferentiableOperation {
    public static let name = "maximum"
    public init() {}
    public func scalar(_ x: Double, _ y: Double) -> Double { x.isNaN || y.isNaN ? .nan : Swift.max(x, y) }
    public func gradient(_ context: GradientContext) -> [Tensor?] {
        let x = context.operands[0], y = context.operands[1], seed = context.seed
        let zero = seed.constant(0), shared = select(equal(x, y), seed * 0.5, zero)
        return [select(greater(x, y), seed, shared), select(greater(y, x), seed, shared)]
    }
}

/// The larger of two elements.
public func maximum(_ x: Tensor, _ y: Tensor) -> Tensor { x.binary(Maximum(), y) }
/// The larger of each element and a number.
public func maximum(_ x: Tensor, _ y: Double) -> Tensor { x.binary(Maximum(), x.constant(y)) }
