import Foundation

/// The logarithm of softmax along the last axis: x − max − log Σ exp(x − max).
public struct LogSoftmax: CompositeOperation, DifferentiableOperation {
    public static let name = "log_softmax"
    public static let kind = OperationKind.composite(.rowWise)
    /// The operation, which has no attributes.
    public init() {}
    public var attributes: Attributes { [] }
    public init(attributes: Attributes, type: TensorType) { self.init() }
    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        do { return try Softmax().inferType(operands) } catch { throw self.error(error.code, error.message) }
    }

    public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
        HostTensor(
            type,
            Softmax.rows(operands[0]).flatMap { row in
                let largest = row.max() ?? 0
                let logarithm = Foundation.log(row.map { Foundation.exp($0 - largest) }.reduce(0, +))
                return row.map { $0 - largest - logarithm }
            })
    }

    public func decompose(_ operands: [Tensor]) -> Tensor {
        let shifted = operands[0] - maximum(operands[0], axes: [-1], keepAxes: true)
        return shifted - log(sum(exp(shifted), axes: [-1], keepAxes: true))
    }

    public func gradient(_ context: GradientContext) -> [Tensor?] {
        [context.seed - exp(context.result) * sum(context.seed, axes: [-1], keepAxes: true)]
    }
}

/// The logarithm of softmax along the last axis.
public func logSoftmax(_ x: Tensor) -> Tensor { x.builder.add(LogSoftmax(), [x]) }
