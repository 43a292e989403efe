import ApusIR

extension GraphEditor {
    /// The picked rows of a value, computed from picked rows of its operands; nil if a row needs more than its own.
    ///
    /// The result has its axes in the selection's order.
    func compute(_ value: Value, only selection: RowSelection) -> Tensor? {
        let node = node(value), operands = node.operands.map { tensor($0) }
        let rank = node.type.rank
        builder.location = node.location
        switch node.operation.kind {
        case .elementwise, .composite(.elementwise):
            return builder.add(node.operation, operands.map { select($0, selection) })
        case .composite(.rowWise):
            guard !selection.touches(rank - 1) else { return nil }
            return builder.add(node.operation, [select(operands[0], selection)] + operands.dropFirst())
        case .reduction, .contraction, .attention, .lookup, .join: break
        case .leaf, .generated, .view, .repetition, .copy, .sort, .scatter, .collective, .composite(.other): return nil
        }
        switch node.operation {
        case let reduce as Reduce:
            let kept = operands[0].shape.indices.filter { !reduce.axes.contains($0) }
            guard let inner = selection.moved({ kept[$0] }) else { return nil }
            let order = inner.order(rank: operands[0].rank)
            return builder.add(
                Reduce(reduce.kind, axes: order.indices.filter { reduce.axes.contains(order[$0]) }),
                [select(operands[0], inner)])
        case let dot as Dot: return matmul(dot, operands[0], operands[1], only: selection)
        case let attention as Attention:
            // A mask of its own for each query, their order, or what is dropped would have to be picked from as well.
            guard selection.axes == [rank - 2], !selection.touches(rank - 1), !attention.scores.isCausal,
                attention.scores.dropout == nil,
                operands.dropFirst(3).allSatisfy({ $0.shape[rank - 2] == 1 })
            else { return nil }
            // The queries' axes go back into the order of the keys' and values'.
            let order = selection.order(rank: rank)
            let queries = select(operands[0], selection).transpose(Transpose(order).inverse)
            return builder.add(attention, [queries] + operands.dropFirst()).transpose(order)
        case let gather as Gather:
            let indices = operands[1]
            guard let last = (selection.axes + selection.batch).max(), last < indices.rank,
                selection.axes.allSatisfy({ $0 >= gather.batch }),
                selection.order(rank: indices.rank).starts(with: 0..<gather.batch)
            else { return nil }
            return builder.add(gather, [operands[0], select(indices, selection)])
        case let concatenate as Concatenate: return concatenation(concatenate, operands, only: selection)
        default: return nil
        }
    }

    /// A matmul of which one operand has the rows.
    private func matmul(_ dot: Dot, _ left: Tensor, _ right: Tensor, only selection: RowSelection) -> Tensor? {
        let batch = dot.leftBatch.count, leftFree = dot.leftFree(left.rank), rightFree = dot.rightFree(right.rank)
        // For each axis of the result, the axis of either operand.
        let leftAxes = dot.leftBatch.map(Optional.init) + leftFree.map(Optional.init) + rightFree.map { _ in nil }
        let rightAxes = dot.rightBatch.map(Optional.init) + leftFree.map { _ in nil } + rightFree.map(Optional.init)
        guard selection.axes.allSatisfy({ $0 >= batch }) else { return nil }
        var (dot, operands, free) = (dot, [left, right], (left: leftFree, right: rightFree))
        if let inner = selection.moved({ leftAxes[$0] }) {
            let order = inner.order(rank: left.rank)
            operands[0] = select(left, inner)
            dot.leftBatch = dot.leftBatch.compactMap { order.firstIndex(of: $0) }
            dot.leftContracting = dot.leftContracting.compactMap { order.firstIndex(of: $0) }
            free.left = order.filter(leftFree.contains)
        } else if let inner = selection.moved({ rightAxes[$0] }) {
            let order = inner.order(rank: right.rank)
            operands[1] = select(right, inner)
            dot.rightBatch = dot.rightBatch.compactMap { order.firstIndex(of: $0) }
            dot.rightContracting = dot.rightContracting.compactMap { order.firstIndex(of: $0) }
            free.right = order.filter(rightFree.contains)
        } else {
            return nil
        }
        let found =
            Array(0..<batch) + free.left.compactMap { leftAxes.firstIndex(of: $0) }
            + free.right.compactMap { rightAxes.firstIndex(of: $0) }
        return builder.add(dot, operands).transpose(
            selection.order(rank: leftAxes.count).compactMap { found.firstIndex(of: $0) })
    }

    private func concatenation(_ concatenate: Concatenate, _ parts: [Tensor], only selection: RowSelection) -> Tensor? {
        let axis = concatenate.axis
        if !selection.touches(axis) {
            let place = selection.order(rank: parts[0].rank).firstIndex(of: axis) ?? axis
            return ApusIR.concatenate(parts.map { select($0, selection) }, axis: place)
        }
        guard case .range(let range) = selection.rows else { return nil }
        var start = 0, pieces: [Tensor] = []
        for part in parts {
            let extent = part.shape[axis], own = range.clamped(to: start..<start + extent)
            if !own.isEmpty { pieces.append(part.slice(own.lowerBound - start..<own.upperBound - start, axis: axis)) }
            start += extent
        }
        return ApusIR.concatenate(pieces, axis: axis)
    }
}
