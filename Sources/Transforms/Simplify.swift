import ApusIR

extension Pass {
    /// Rewrites of single nodes to cheaper ones that compute the same numbers; each stands under its identity.
    ///
    /// Only the sign of a zero may change: −0 + 0 is 0, but x + 0 is replaced by x.
    public static let simplify = Pass("simplify") { graph in
        try rebuild(graph) { node, _, operands, builder in
            switch node.operation {
            case is Add:
                // x + 0 = x
                if splat(operands[1]) == 0 { return operands[0] }
                if splat(operands[0]) == 0 { return operands[1] }
            case is Subtract:
                // x − 0 = x
                if splat(operands[1]) == 0 { return operands[0] }
            case is Multiply:
                // x · 1 = x
                if splat(operands[1]) == 1 { return operands[0] }
                if splat(operands[0]) == 1 { return operands[1] }
            case is Divide:
                // x / 1 = x;  x / 2ⁿ = x · 2⁻ⁿ
                guard let divisor = splat(operands[1]) else { return nil }
                if divisor == 1 { return operands[0] }
                // … where 2⁻ⁿ is a normal number of every floating-point type.
                if divisor.significand == 1, (-126...126).contains(divisor.exponent) {
                    return builder.add(
                        Multiply(), [operands[0], builder.add(Constant(node.type, splat: 1 / divisor), [])])
                }
            case is Negate:
                // −(−x) = x
                let inner = builder.graph[operands[0].value]
                if inner.operation is Negate { return builder.tensor(inner.operands[0]) }
            case let reshape as Reshape:
                // a reshaped constant is a constant, so is a transposed one
                // reshape(reshape(x)) = reshape(x);  reshape(x) to its own shape = x
                if let value = splat(operands[0]) { return builder.add(Constant(node.type, splat: value), []) }
                let inner = builder.graph[operands[0].value]
                let source = inner.operation is Reshape ? builder.tensor(inner.operands[0]) : operands[0]
                return source.reshape(reshape.shape)
            case let transpose as Transpose:
                if let value = splat(operands[0]) { return builder.add(Constant(node.type, splat: value), []) }
                // transpose(transpose(x, p), q) = transpose(x, p∘q);  the identity order changes nothing
                let inner = builder.graph[operands[0].value]
                guard let first = inner.operation as? Transpose else {
                    return operands[0].transpose(transpose.permutation)
                }
                return builder.tensor(inner.operands[0]).transpose(transpose.permutation.map { first.permutation[$0] })
            case let broadcast as Broadcast:
                // a broadcast constant is a constant
                if let value = splat(operands[0]) { return builder.add(Constant(node.type, splat: value), []) }
                // broadcast(reshape(x)), where the reshape only adds extents of 1, = broadcast(x)
                return withoutReshape(broadcast, operands[0], node.type)
            case let slice as Slice:
                return sliced(operands[0], slice)
            case let concatenate as Concatenate: return whole(concatenate, operands)
            case is Cast:
                if operands[0].element == node.type.element { return operands[0] }
                // f32 holds bf16 exactly: there and back changes nothing
                let inner = builder.graph[operands[0].value]
                if inner.operation is Cast, inner.type.element == .f32, node.type.element == .bf16 {
                    let source = builder.tensor(inner.operands[0])
                    if source.element == .bf16 { return source }
                }
            default: break
            }
            return nil
        }
    }
}

/// The number that all elements of a constant have.
private func splat(_ tensor: Tensor) -> Double? {
    guard tensor.isValid else { return nil }
    return (tensor.builder.graph[tensor.value].operation as? Constant)?.splat
}

/// Rows that were reshaped to keep an axis of extent 1 are broadcast directly, so that the schedule sees the row.
private func withoutReshape(_ broadcast: Broadcast, _ operand: Tensor, _ type: TensorType) -> Tensor? {
    let builder = operand.builder
    let inner = builder.graph[operand.value]
    guard inner.operation is Reshape else { return nil }
    let source = builder.tensor(inner.operands[0])
    // Axes of extent 1 carry no data: match the others in order.
    let kept = zip(operand.shape, broadcast.axes).filter { $0.0 != 1 }
    guard source.shape.filter({ $0 != 1 }) == kept.map(\.0), !source.shape.contains(1) else { return nil }
    return builder.add(Broadcast(shape: type.shape, axes: kept.map(\.1)), [source])
}

/// A slice, as a slice of something earlier where it can be.
private func sliced(_ x: Tensor, _ slice: Slice) -> Tensor {
    let counts = x.shape.indices.map { (slice.limits[$0] - slice.starts[$0] - 1) / slice.steps[$0] + 1 }
    // all of x = x
    if counts == x.shape { return x }
    let node = x.builder.graph[x.value]
    switch node.operation {
    case let first as Slice:
        // slice(slice(x)) = slice(x)
        let starts = counts.indices.map { first.starts[$0] + slice.starts[$0] * first.steps[$0] }
        let steps = counts.indices.map { first.steps[$0] * slice.steps[$0] }
        let limits = counts.indices.map { starts[$0] + (counts[$0] - 1) * steps[$0] + 1 }
        return sliced(x.builder.tensor(node.operands[0]), Slice(starts: starts, limits: limits, steps: steps))
    case let concatenate as Concatenate:
        // slice(concatenate(…, y, …)) = slice(y), if it lies within y
        let axis = concatenate.axis
        var start = 0
        for part in node.operands.map(x.builder.tensor) {
            let end = start + part.shape[axis]
            if slice.starts[axis] >= start, slice.starts[axis] + (counts[axis] - 1) * slice.steps[axis] < end {
                var own = slice
                own.starts[axis] -= start
                own.limits[axis] = min(slice.limits[axis], end) - start
                return sliced(part, own)
            }
            start = end
        }
    default: break
    }
    return x.builder.add(slice, [x])
}

/// concatenate(x[a..<b], x[b..<c], …) = x[a..<…]; of all parts of x, it is x.
private func whole(_ concatenate: Concatenate, _ parts: [Tensor]) -> Tensor? {
    let axis = concatenate.axis
    var joint: Slice?, source: Value?
    for part in parts {
        let node = part.builder.graph[part.value]
        guard let slice = node.operation as? Slice, slice.steps[axis] == 1, source == nil || source == node.operands[0]
        else { return nil }
        guard var sum = joint else {
            (joint, source) = (slice, node.operands[0])
            continue
        }
        guard sum.limits[axis] == slice.starts[axis] else { return nil }
        sum.limits[axis] = slice.limits[axis]
        joint = sum
        (sum.starts[axis], sum.limits[axis]) = (slice.starts[axis], slice.limits[axis])
        guard sum == slice else { return nil }
    }
    guard let joint, let source else { return nil }
    return sliced(parts[0].builder.tensor(source), joint)
}
