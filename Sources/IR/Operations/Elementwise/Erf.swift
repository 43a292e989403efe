import Foundation

/// The error function of each element, 2/√π ∫₀ˣ exp(−t²) dt.
public struct Erf: UnaryOperation, DifferentiableOperation {
    public static let name = "erf"
    public init() {}
    public func scalar(_ x: Double) -> Double { Foundation.erf(x) }
    public func gradient(_ context: GradientContext) -> [Tensor?] {
        let x = context.operands[0]
        return [context.seed * exp(-(x * x)) * (2 / Double.pi.squareRoot())]
    }
}

/// The error function of each element, 2/√π ∫₀ˣ exp(−t²) dt.
public func erf(_ x: Tensor) -> Tensor { x.builder.add(Erf(), [x]) }
