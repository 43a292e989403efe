import ApusIR

/// Rows of a tensor that something reads: what a gather or a slice picks.
struct RowSelection: Hashable {
    enum Rows: Hashable {
        /// Those that indices name, i32 [batch..., count].
        case chosen(Value)
        /// Those of a range.
        case range(Range<Int>)
    }
    var rows: Rows
    /// How many rows are picked.
    var count: Int
    /// Axes that go along with the leading axes of the indices.
    var batch: [Int] = []
    /// The axes that count the rows: one, or for indices several that count as one, the last the fastest.
    var axes: [Int]

    /// The old axes in the order in which the picked rows have them: those of the batch, the rows, the rest; a range
    /// leaves the order.
    ///
    /// Of several axes that count the rows, the first stands for all.
    func order(rank: Int) -> [Int] {
        guard case .chosen = rows else { return Array(0..<rank) }
        return batch + [axes[0]] + (0..<rank).filter { !batch.contains($0) && !axes.contains($0) }
    }

    /// The shape of the picked rows.
    func shape(_ shape: [Int]) -> [Int] { order(rank: shape.count).map { $0 == axes[0] ? count : shape[$0] } }

    /// Number of rows to pick from.
    func rowCount(_ shape: [Int]) -> Int { axes.map { shape[$0] }.reduce(1, *) }

    /// Whether fewer rows are worth it: with nine tenths of them or more, matmuls that lie together are.
    func isWorthwhile(for shape: [Int]) -> Bool { 10 * count <= 9 * rowCount(shape) }

    func touches(_ axis: Int) -> Bool { axes.contains(axis) || batch.contains(axis) }

    /// The same selection of a tensor that has these axes in other places; nil if one is not there.
    func moved(_ place: (Int) -> Int?) -> RowSelection? {
        let batch = batch.compactMap(place), axes = axes.compactMap(place)
        guard batch.count == self.batch.count, axes.count == self.axes.count else { return nil }
        return RowSelection(rows: rows, count: count, batch: batch, axes: axes)
    }
}

extension GraphEditor {
    /// What a gather or a slice picks of its first operand; nil of another node, or if it does not pick rows along one
    /// axis.
    func selection(of value: Value) -> RowSelection? {
        let node = node(value), source = type(node.operands.first ?? value)
        switch node.operation {
        case let gather as Gather:
            let indices = node.operands[1]
            guard type(indices).rank == gather.batch + 1, indices != node.operands[0] else { return nil }
            return RowSelection(
                rows: .chosen(indices), count: type(indices).shape[gather.batch], batch: Array(0..<gather.batch),
                axes: [gather.batch])
        case let slice as Slice:
            let cut = source.shape.indices.filter { slice.limits[$0] - slice.starts[$0] < source.shape[$0] }
            guard cut.count == 1, slice.steps.allSatisfy({ $0 == 1 }) else { return nil }
            let range = slice.starts[cut[0]]..<slice.limits[cut[0]]
            return RowSelection(rows: .range(range), count: range.count, axes: cut)
        default: return nil
        }
    }

    /// The rows of a tensor that a selection picks, with its axes in the selection's order.
    func select(_ x: Tensor, _ selection: RowSelection) -> Tensor {
        let node = node(self[x.value])
        if let number = (node.operation as? Constant)?.splat {
            return builder.add(Constant(x.type.with(shape: selection.shape(x.shape)), splat: number), [])
        }
        if let broadcast = node.operation as? Broadcast,
            let rows = select(broadcast, of: tensor(node.operands[0]), selection)
        {
            return rows
        }
        switch selection.rows {
        case .range(let range): return x.slice(range, axis: selection.axes[0])
        case .chosen(let indices):
            return gather(
                withRowsAfter(selection.batch, x, selection.axes), tensor(indices), batch: selection.batch.count)
        }
    }

    /// A tensor with some axes first, then those that count rows as one axis, then the rest.
    private func withRowsAfter(_ batch: [Int], _ x: Tensor, _ rows: [Int]) -> Tensor {
        let rest = x.shape.indices.filter { !batch.contains($0) && !rows.contains($0) }
        let extents = batch.map { x.shape[$0] } + [rows.map { x.shape[$0] }.reduce(1, *)] + rest.map { x.shape[$0] }
        return x.transpose(batch + rows + rest).reshape(extents)
    }

    /// The rows of what a broadcast makes of `x`: picked before it is repeated, or not at all if they are all the same.
    private func select(_ broadcast: Broadcast, of x: Tensor, _ selection: RowSelection) -> Tensor? {
        let order = selection.order(rank: broadcast.shape.count), shape = selection.shape(broadcast.shape)
        // Without the axes that are stretched: `axes` says which axes of the result the others are.
        let kept = x.shape.indices.filter { x.shape[$0] == broadcast.shape[broadcast.axes[$0]] }
        let axes = kept.map { broadcast.axes[$0] }, x = x.reshape(kept.map { x.shape[$0] })
        func spread(_ x: Tensor, _ axes: [Int]) -> Tensor? {
            let places = axes.compactMap { axis in order.firstIndex(of: axis) }
            guard places.count == axes.count else { return nil }
            return x.shape == shape ? x : builder.add(Broadcast(shape: shape, axes: places), [x])
        }
        let counting = selection.axes.filter(axes.contains), along = selection.batch.filter(axes.contains)
        if counting.isEmpty {
            let reordered = order.filter(axes.contains)
            return spread(x.transpose(reordered.compactMap { axes.firstIndex(of: $0) }), reordered)
        }
        if let inner = selection.moved({ axes.firstIndex(of: $0) }) {
            return spread(select(x, inner), inner.order(rank: x.rank).map { axes[$0] })
        }
        // A table for all of the batch: its rows are looked up.
        guard case .chosen(let indices) = selection.rows, counting.count == selection.axes.count, along.isEmpty else {
            return nil
        }
        let table = withRowsAfter([], x, counting.compactMap { axes.firstIndex(of: $0) })
        return spread(
            gather(table, tensor(indices)),
            selection.batch + [selection.axes[0]] + axes.filter { !counting.contains($0) })
    }
}
