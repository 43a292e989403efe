import Foundation

/// The natural logarithm of each element.
public struct Log: UnaryOperation, DifferentiableOperation {
    public static let name = "log"
    public init() {}
    public func scalar(_ x: Double) -> Double { Foundation.log(x) }
    public func gradient(_ context: GradientContext) -> [Tensor?] {
        let x = context.operands[0]
        return [context.seed / x]
    }
}

/// The natural logarithm of each element.
public func log(_ x: Tensor) -> Tensor { x.builder.add(Log(), [x]) }
