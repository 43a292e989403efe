/// The sum, largest or smallest element over some axes, which disappear from the shape.
///
/// The gradient of the largest and smallest is shared equally among tied elements.
public struct Reduce: Operation, DifferentiableOperation {
    public static let name = "reduce"
    public static let kind = OperationKind.reduction
    /// What becomes of the elements.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// They are added up, or the largest or smallest is found.
        case sum, maximum, minimum
    }
    /// What becomes of the elements.
    public var kind: Kind
    /// The axes that disappear, in ascending order.
    public var axes: [Int]

    /// The reduction of some axes.
    public init(_ kind: Kind, axes: [Int]) {
        self.kind = kind
        self.axes = axes
    }

    public var attributes: Attributes { [("kind", .text(kind.rawValue)), ("axes", .integers(axes))] }
    public init(attributes: Attributes, type: TensorType) throws(GraphError) {
        let text = try attributes.text("kind")
        guard let kind = Kind(rawValue: text) else {
            throw GraphError(.syntax, operation: Self.name, "unknown kind '\(text)'")
        }
        self.kind = kind
        axes = try attributes.integers("axes")
    }

    /// What a reduction over no elements gives.
    package var identity: Double {
        switch kind {
        case .sum: 0
        case .maximum: -.infinity
        case .minimum: .infinity
        }
    }

    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        try expect(operands, count: 1)
        guard operands[0].element != .bool else {
            throw error(.elementType, "takes numbers, has \(operands[0]); cast first")
        }
        for axis in axes { try expect(axis: axis, rank: operands[0].rank) }
        guard !axes.isEmpty, zip(axes, axes.dropFirst()).allSatisfy({ $0 < $1 }) else {
            throw error(.attribute, "axes \(axes) must be ascending and at least one")
        }
        return operands[0].with(
            shape: operands[0].shape.indices.filter { !axes.contains($0) }.map { operands[0].shape[$0] })
    }

    public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
        var result = HostTensor(type, fill: identity)
        let kept = operands[0].shape.indices.filter { !axes.contains($0) }
        var strides = [Int](repeating: 0, count: operands[0].shape.count)
        for (axis, stride) in zip(kept, result.strides) { strides[axis] = stride }
        forEachIndex(operands[0].shape) { index, place in
            let target = position(index, strides), value = operands[0].values[place]
            switch kind {
            case .sum: result.values[target] += value
            case .maximum: result.values[target] = value.isNaN ? .nan : Swift.max(result.values[target], value)
            case .minimum: result.values[target] = value.isNaN ? .nan : Swift.min(result.values[target], value)
            }
        }
        return result
    }

    public func gradient(_ context: GradientContext) -> [Tensor?] {
        let x = context.operands[0]
        let kept = x.shape.indices.filter { !axes.contains($0) }
        func spread(_ tensor: Tensor) -> Tensor { tensor.builder.add(Broadcast(shape: x.shape, axes: kept), [tensor]) }
        if kind == .sum { return [spread(context.seed)] }
        let ties = equal(x, spread(context.result))
        let share = context.seed / sum(ties.cast(x.element), axes: axes)
        return [select(ties, spread(share), x.constant(0))]
    }
}

private func reduce(_ kind: Reduce.Kind, _ x: Tensor, _ axes: [Int], _ keepAxes: Bool) -> Tensor {
    guard x.isValid, !axes.isEmpty else { return x }
    let axes = axes.map(x.axis).sorted()
    // Functions are called as kinds are.
    let result = x.within(kind.rawValue) { x.builder.add(Reduce(kind, axes: axes), [x]) }
    guard keepAxes, result.isValid else { return result }
    return result.reshape(x.shape.enumerated().map { axes.contains($0.offset) ? 1 : $0.element })
}

/// The sum over some axes (negative axes count from the end); they stay with extent 1 if `keepAxes`.
public func sum(_ x: Tensor, axes: [Int], keepAxes: Bool = false) -> Tensor { reduce(.sum, x, axes, keepAxes) }
/// The largest element over some axes; they stay with extent 1 if `keepAxes`.
public func maximum(_ x: Tensor, axes: [Int], keepAxes: Bool = false) -> Tensor { reduce(.maximum, x, axes, keepAxes) }
/// The smallest element over some axes; they stay with extent 1 if `keepAxes`.
public func minimum(_ x: Tensor, axes: [Int], keepAxes: Bool = false) -> Tensor { reduce(.minimum, x, axes, keepAxes) }

/// The mean over some axes; they stay with extent 1 if `keepAxes`.
public func mean(_ x: Tensor, axes: [Int], keepAxes: Bool = false) -> Tensor {
    guard x.isValid else { return x }
    let count = axes.map(x.axis).filter(x.shape.indices.contains).map { x.shape[$0] }.reduce(1, *)
    return x.within("mean") { sum(x, axes: axes, keepAxes: keepAxes) * (1 / Double(count)) }
}

/// The mean of all elements, a scalar.
public func mean(_ x: Tensor) -> Tensor { mean(x, axes: Array(x.shape.indices)) }
