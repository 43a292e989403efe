import Foundation

/// exp(x) over its sum along the last axis, computed after subtracting the largest element.
///
/// A row of −∞ alone has no sum: NaN, or zeros where the operation is safe.
public struct Softmax: CompositeOperation, DifferentiableOperation {
    public static let name = "softmax"
    public static let kind = OperationKind.composite(.rowWise)
    /// Whether a row of −∞ alone gives zeros.
    public var isSafe: Bool
    /// Softmax, which gives zeros for rows of −∞ if it is safe.
    public init(isSafe: Bool = false) { self.isSafe = isSafe }
    public var attributes: Attributes { isSafe ? [("safe", .flag(true))] : [] }
    public init(attributes: Attributes, type: TensorType) throws(GraphError) {
        isSafe = attributes.contains { $0.name == "safe" } ? try attributes.flag("safe") : false
    }

    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        try expect(operands, count: 1)
        try expectFloat(operands[0])
        guard operands[0].rank > 0 else { throw error(.shape, "a scalar has no axis to normalise") }
        return operands[0]
    }

    public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
        HostTensor(
            type,
            Self.rows(operands[0]).flatMap { row in
                let largest = row.max() ?? 0
                if isSafe, largest == -.infinity { return row.map { _ in 0.0 } }
                let exponentials = row.map { Foundation.exp($0 - largest) }
                let total = exponentials.reduce(0, +)
                return exponentials.map { $0 / total }
            })
    }

    /// The rows of the last axis.
    static func rows(_ tensor: HostTensor) -> [ArraySlice<Double>] {
        let width = tensor.shape[tensor.shape.count - 1]
        return stride(from: 0, to: tensor.values.count, by: width).map { tensor.values[$0..<$0 + width] }
    }

    public func decompose(_ operands: [Tensor]) -> Tensor {
        let x = operands[0]
        var largest = maximum(x, axes: [-1], keepAxes: true)
        if isSafe { largest = select(equal(largest, largest.constant(-.infinity)), largest.constant(0), largest) }
        let exponentials = exp(x - largest)
        var total = sum(exponentials, axes: [-1], keepAxes: true)
        if isSafe { total = select(equal(total, total.constant(0)), total.constant(1), total) }
        return exponentials * (1 / total)
    }

    public func gradient(_ context: GradientContext) -> [Tensor?] {
        let y = context.result
        return [y * (context.seed - sum(context.seed * y, axes: [-1], keepAxes: true))]
    }
}

/// Softmax along an axis (negative axes count from the end). Where all numbers along it are −∞ it gives NaN, or zeros
/// if it `isSafe`.
public func softmax(_ x: Tensor, axis: Int = -1, isSafe: Bool = false) -> Tensor {
    guard x.isValid else { return x }
    let given = axis, axis = x.axis(axis), softmax = Softmax(isSafe: isSafe)
    // The last axis, and the mistake of a scalar.
    guard axis != x.rank - 1 else { return x.builder.add(softmax, [x]) }
    guard x.shape.indices.contains(axis) else {
        return x.builder.report(
            GraphError(
                .attribute, operation: Softmax.name, "axis \(given) is out of range for rank \(x.rank)",
                location: x.builder.location))
    }
    var order = Array(x.shape.indices)
    order.swapAt(axis, x.rank - 1)
    return x.builder.add(softmax, [x.transpose(order)]).transpose(order)
}
