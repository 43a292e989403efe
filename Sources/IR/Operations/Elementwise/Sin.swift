import Foundation

/// The sine of each element, in radians.
public struct Sin: UnaryOperation, DifferentiableOperation {
    public static let name = "sin"
    public init() {}
    public func scalar(_ x: Double) -> Double { Foundation.sin(x) }
    public func gradient(_ context: GradientContext) -> [Tensor?] {
        let x = context.operands[0]
        return [context.seed * cos(x)]
    }
}

/// The sine of each element, in radians.
public func sin(_ x: Tensor) -> Tensor { x.builder.add(Sin(), [x]) }
