import ApusIR

extension GraphEditor {
    /// Whether a node only shows another order or part of its operand: it computes nothing.
    func isView(_ value: Value) -> Bool { builder.graph[value].operation.kind.isView }

    /// What a selection from a view picks of the view's operand; nil if that is not rows of it.
    func selection(_ selection: RowSelection, beneath view: Value) -> RowSelection? {
        let node = node(view), source = type(node.operands[0]).shape
        switch node.operation {
        case let transpose as Transpose: return selection.moved { transpose.permutation[$0] }
        case let slice as Slice:
            let cut = source.indices.filter { node.type.shape[$0] < source[$0] }
            guard cut.contains(where: selection.touches) else { return selection }
            let axis = selection.axes[0]
            guard selection.axes.count == 1, slice.steps[axis] == 1, !cut.contains(where: selection.batch.contains)
            else { return nil }
            var shifted = selection
            switch selection.rows {
            case .range(let range):
                shifted.rows = .range(range.lowerBound + slice.starts[axis]..<range.upperBound + slice.starts[axis])
            case .chosen(let indices):
                shifted.rows = .chosen(self.shifted(indices, from: node.type.shape[axis], by: slice.starts[axis]))
            }
            return shifted
        case is Reshape:
            let groups = reshapeGroups(source, node.type.shape)
            var moved = selection
            (moved.batch, moved.axes) = ([], [])
            for axis in selection.batch {
                guard let group = groups.first(where: { $0.after == [axis] }), group.before.count == 1 else {
                    return nil
                }
                moved.batch += group.before
            }
            var open = selection.axes[...]
            while let axis = open.first {
                guard let group = groups.first(where: { $0.after.first == axis }), open.starts(with: group.after),
                    !group.before.isEmpty
                else { return nil }
                moved.axes += group.before
                open = open.dropFirst(group.after.count)
            }
            if case .range = selection.rows, moved.axes.count > 1 { return nil }
            return moved
        default: return nil
        }
    }

    /// A view of picked rows: `rows` are those that `beneath` picks of the view's operand, the result those that
    /// `above` picks of the view.
    func view(_ view: Value, of rows: Tensor, _ beneath: RowSelection, _ above: RowSelection) -> Tensor {
        let node = node(view)
        let before = beneath.order(rank: type(node.operands[0]).rank)
        switch node.operation {
        case let transpose as Transpose:
            return rows.transpose(
                above.order(rank: node.type.rank).compactMap { before.firstIndex(of: transpose.permutation[$0]) })
        case let slice as Slice:
            let all = before.map { $0 == beneath.axes[0] }
            func bounds(_ old: [Int], _ whole: (Int) -> Int) -> [Int] {
                before.indices.map { all[$0] ? whole($0) : old[before[$0]] }
            }
            let part = Slice(
                starts: bounds(slice.starts) { _ in 0 }, limits: bounds(slice.limits) { rows.shape[$0] },
                steps: bounds(slice.steps) { _ in 1 })
            return part.starts.allSatisfy { $0 == 0 } && part.limits == rows.shape && part.steps.allSatisfy { $0 == 1 }
                ? rows : builder.add(part, [rows])
        default: return rows.reshape(above.shape(node.type.shape))
        }
    }

    /// Indices into part of an axis, which are clamped to it, as indices into the whole axis.
    private func shifted(_ indices: Value, from extent: Int, by start: Int) -> Value {
        let x = tensor(indices)
        let isWithin = range(of: indices).map { $0.lowerBound >= 0 && $0.upperBound < extent } ?? false
        let clamped = isWithin ? x : minimum(maximum(x, 0), Double(extent - 1))
        return numberNewNodes(start == 0 ? clamped : clamped + Double(start))
    }

    /// The numbers that integers lie between, as far as the graph tells.
    func range(of value: Value) -> ClosedRange<Int>? {
        let node = node(value)
        switch node.operation {
        case is ArgSort: return 0...node.type.shape[node.type.rank - 1] - 1
        case let iota as Iota: return 0...node.type.shape[iota.axis] - 1
        case let constant as Constant:
            guard let low = constant.values.min(), let high = constant.values.max() else { return nil }
            return Int(low)...Int(high)
        case is Slice, is Reshape, is Transpose, is Broadcast, is Gather: return range(of: node.operands[0])
        case is Add:
            guard let x = range(of: node.operands[0]), let y = range(of: node.operands[1]) else { return nil }
            return x.lowerBound + y.lowerBound...x.upperBound + y.upperBound
        default: return nil
        }
    }
}

/// The axes before and after a reshape that hold the same data, in order; an axis of extent 1 may stand alone.
package func reshapeGroups(_ before: [Int], _ after: [Int]) -> [(before: [Int], after: [Int])] {
    var groups: [(before: [Int], after: [Int])] = []
    var (i, j) = (0, 0)
    while i < before.count || j < after.count {
        if i < before.count, j < after.count, before[i] == after[j] {
            groups.append(([i], [j]))
            (i, j) = (i + 1, j + 1)
        } else if i < before.count, before[i] == 1 {
            groups.append(([i], []))
            i += 1
        } else if j < after.count, after[j] == 1 {
            groups.append(([], [j]))
            j += 1
        } else {
            var group = (before: [i], after: [j]), (x, y) = (before[i], after[j])
            while x != y {
                if x < y {
                    i += 1
                    group.before.append(i)
                    x *= before[i]
                } else {
                    j += 1
                    group.after.append(j)
                    y *= after[j]
                }
            }
            groups.append(group)
            (i, j) = (i + 1, j + 1)
        }
    }
    return groups
}
