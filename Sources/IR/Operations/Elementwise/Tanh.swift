import Foundation

/// The hyperbolic tangent of each element.
public struct Tanh: UnaryOperation, DifferentiableOperation {
    public static let name = "tanh"
    public init() {}
    public func scalar(_ x: Double) -> Double { Foundation.tanh(x) }
    public func gradient(_ context: GradientContext) -> [Tensor?] {
        let y = context.result
        return [context.seed * (1 - y * y)]
    }
}

/// The hyperbolic tangent of each element.
public func tanh(_ x: Tensor) -> Tensor { x.builder.add(Tanh(), [x]) }
