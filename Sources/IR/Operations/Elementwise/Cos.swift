import Foundation

/// The cosine of each element, in radians.
public struct Cos: UnaryOperation, DifferentiableOperation {
    public static let name = "cos"
    public init() {}
    public func scalar(_ x: Double) -> Double { Foundation.cos(x) }
    public func gradient(_ context: GradientContext) -> [Tensor?] {
        let x = context.operands[0]
        return [-(context.seed * sin(x))]
    }
}

/// The cosine of each element, in radians.
public func cos(_ x: Tensor) -> Tensor { x.builder.add(Cos(), [x]) }
