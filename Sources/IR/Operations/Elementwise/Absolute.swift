/// The absolute value of each element. Its gradient at exactly 0 is 0.
public struct Absolute: UnaryOperation, DifferentiableOperation {
    public static let name = "abs"
    public init() {}
    public func scalar(_ x: Double) -> Double { Swift.abs(x) }
    public func gradient(_ context: GradientContext) -> [Tensor?] {
        let x = context.operands[0], zero = x.constant(0)
        return [select(greater(x, zero), context.seed, select(less(x, zero), -context.seed, zero))]
    }
}

/// The absolute value of each element.
public func abs(_ x: Tensor) -> Tensor { x.builder.add(Absolute(), [x]) }
