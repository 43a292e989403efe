import Foundation

/// The exponential, e to the power of each element.
public struct Exp: UnaryOperation, DifferentiableOperation {
    public static let name = "exp"
    public init() {}
    public func scalar(_ x: Double) -> Double { Foundation.exp(x) }
    public func gradient(_ context: GradientContext) -> [Tensor?] {
        let y = context.result
        return [context.seed * y]
    }
}

/// The exponential, e to the power of each element.
public func exp(_ x: Tensor) -> Tensor { x.builder.add(Exp(), [x]) }
