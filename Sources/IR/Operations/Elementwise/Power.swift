import Foundation

/// A positive base to a power, element by element: x^y = exp(y · log x).
public struct Power: BinaryOperation, DifferentiableOperation {
    public static let name = "power"
    public init() {}
    public func scalar(_ x: Double, _ y: Double) -> Double { Foundation.pow(x, y) }
    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        try expectEqualNumbers(operands)
        guard operands[0].element.isFloatingPoint else {
            throw error(.elementType, "takes floating-point elements, has \(operands[0]); cast first")
        }
        return operands[0]
    }
    public func gradient(_ context: GradientContext) -> [Tensor?] {
        let x = context.operands[0], y = context.operands[1]
        return [context.seed * y * power(x, y - 1), context.seed * context.result * log(x)]
    }
}

/// A positive base to a power, element by element.
public func power(_ x: Tensor, _ y: Tensor) -> Tensor { x.binary(Power(), y) }
/// A positive base to a fixed power.
public func power(_ x: Tensor, _ y: Double) -> Tensor { x.binary(Power(), x.constant(y)) }
/// A positive number to the power of each element.
public func power(_ x: Double, _ y: Tensor) -> Tensor { y.constant(x).binary(Power(), y) }
