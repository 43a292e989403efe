import ApusIR

/// Where a stored value lies: a buffer, and the strides of its axes in elements.
package struct Storage: Hashable {
    package var buffer: Int
    package var offset: Int
    package var strides: [Int]

    package init(buffer: Int, offset: Int = 0, strides: [Int]) {
        self.buffer = buffer
        self.offset = offset
        self.strides = strides
    }
}

/// The strides of a tensor after a reshape that moves no element; nil if elements would have to move.
package func reshapedStrides(_ shape: [Int], _ strides: [Int], to newShape: [Int]) -> [Int]? {
    // Axes of extent 1 do not matter on either side.
    let old = zip(shape, strides).filter { $0.0 != 1 }
    var result = [Int](repeating: 0, count: newShape.count)
    var position = 0, axis = 0
    while axis < newShape.count {
        if newShape[axis] == 1 {
            axis += 1
            continue
        }
        guard position < old.count else { return nil }
        // A group of old axes and a group of new axes that hold the same elements.
        var oldCount = old[position].0, newCount = newShape[axis]
        let firstAxis = axis, firstPosition = position
        while oldCount != newCount {
            if oldCount < newCount {
                position += 1
                guard position < old.count else { return nil }
                oldCount *= old[position].0
            } else {
                axis += 1
                guard axis < newShape.count else { return nil }
                newCount *= newShape[axis]
            }
        }
        for place in firstPosition..<position where old[place].1 != old[place + 1].0 * old[place + 1].1 { return nil }
        var stride = old[position].1
        for place in descending(axis, firstAxis) {
            if newShape[place] != 1 { result[place] = stride }
            stride *= newShape[place]
        }
        axis += 1
        position += 1
    }
    return result
}

/// The axes from the first down to the second, both included.
private func descending(_ from: Int, _ to: Int) -> some Sequence<Int> { Swift.stride(from: from, through: to, by: -1) }

/// The single stride of axes that act as one, outermost first; nil if they do not.
package func mergedStride(_ extents: [Int], _ strides: [Int]) -> Int? {
    let axes = zip(extents, strides).filter { $0.0 != 1 }
    for (outer, inner) in zip(axes, axes.dropFirst()) where outer.1 != inner.0 * inner.1 { return nil }
    return axes.last?.1 ?? 1
}

extension Graph {
    /// The stored value behind a chain of operations that only look at it, and where the chain's elements lie in it.
    package func view(
        of value: Value, isStored: (Value) -> Bool, storage: (Value) -> (offset: Int, strides: [Int])
    ) -> (base: Value, offset: Int, strides: [Int])? {
        if isStored(value) {
            let place = storage(value)
            return (value, place.offset, place.strides)
        }
        let node = self[value]
        guard let operand = node.readOperands.first, node.readOperands.count == 1,
            let inner = view(of: operand, isStored: isStored, storage: storage)
        else { return nil }
        let shape = self[operand].type.shape
        switch node.operation {
        case let transpose as Transpose:
            return (inner.base, inner.offset, transpose.permutation.map { inner.strides[$0] })
        case is OptimizationBarrier:
            return inner
        case is Reshape:
            return reshapedStrides(shape, inner.strides, to: node.type.shape).map { (inner.base, inner.offset, $0) }
        case let slice as Slice:
            let offset = zip(slice.starts, inner.strides).reduce(inner.offset) { $0 + $1.0 * $1.1 }
            return (inner.base, offset, zip(inner.strides, slice.steps).map(*))
        case let broadcast as Broadcast:
            var strides = [Int](repeating: 0, count: node.type.rank)
            for (position, axis) in broadcast.axes.enumerated() where shape[position] > 1 {
                strides[axis] = inner.strides[position]
            }
            return (inner.base, inner.offset, strides)
        default:
            return nil
        }
    }
}
