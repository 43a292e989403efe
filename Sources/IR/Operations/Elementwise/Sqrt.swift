import Foundation

/// The square root of each element.
public struct Sqrt: UnaryOperation, DifferentiableOperation {
    public static let name = "sqrt"
    public init() {}
    public func scalar(_ x: Double) -> Double { x.squareRoot() }
    public func gradient(_ context: GradientContext) -> [Tensor?] {
        let y = context.result
        return [context.seed * 0.5 / y]
    }
}

/// The square root of each element.
public func sqrt(_ x: Tensor) -> Tensor { x.builder.add(Sqrt(), [x]) }
