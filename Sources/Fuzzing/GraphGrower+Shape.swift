import ApusIR

extension GraphGrower {
    mutating func growSlice() {
        let x = value()
        guard x.tensor.rank > 0 else { return }
        var starts: [Int] = [], limits: [Int] = [], steps: [Int] = []
        for extent in x.tensor.shape {
            let start = random.chance(0.5) ? 0 : random.integer(0...extent - 1)
            starts.append(start)
            limits.append(random.chance(0.5) ? extent : random.integer(start + 1...extent))
            steps.append(random.pick([1, 1, 2, 3]))
        }
        keep(
            builder.add(Slice(starts: starts, limits: limits, steps: steps), [x.tensor]), bound: x.bound, exact: x.exact
        )
    }

    mutating func growPad() {
        let x = value()
        guard x.tensor.rank > 0 else { return }
        var low: [Int] = [], high: [Int] = [], interior: [Int] = []
        for _ in x.tensor.shape {
            low.append(random.pick([0, 0, 1, 2]))
            high.append(random.pick([0, 0, 1, 3]))
            interior.append(random.pick([0, 0, 0, 1]))
        }
        let extents = zip(x.tensor.shape.indices, x.tensor.shape).map { low[$0] + high[$0] + $1 * (1 + interior[$0]) }
        guard extents.reduce(1, *) <= largestCount else { return }
        keep(x.tensor.padded(low: low, high: high, interior: interior), bound: x.bound, exact: x.exact)
    }

    mutating func growConcatenation() {
        let x = value()
        guard x.tensor.rank > 0, x.tensor.type.count <= largestCount / 2 else { return }
        let axis = random.integer(0...x.tensor.rank - 1)
        var parts = [x]
        for _ in 0..<random.integer(1...2) {
            let same = pool.filter { $0.tensor.shape == x.tensor.shape }.randomElement(using: &random)
            if let same, random.chance(0.4) {
                parts.append(same)
            } else {
                var shape = x.tensor.shape
                shape[axis] = random.integer(1...max(1, min(3, x.tensor.shape[axis])))
                parts.append(fresh(shape))
            }
        }
        parts = random.shuffled(parts)
        let bound = parts.map(\.bound).max() ?? 0
        keep(concatenate(parts.map(\.tensor), axis: axis), bound: bound, exact: parts.allSatisfy(\.exact))
    }

    /// Transpositions, and reshapes that flatten, split an axis or insert extents of 1.
    mutating func growReordering() {
        let x = value()
        let reordered: Tensor
        switch random.integer(0...5) {
        case 5: reordered = x.tensor.copied()
        case 0, 1: reordered = x.tensor.transpose(random.shuffled(Array(x.tensor.shape.indices)))
        case 2: reordered = x.tensor.reshape([-1])
        case 3:
            guard let axis = x.tensor.shape.indices.first(where: { x.tensor.shape[$0] % 2 == 0 }), x.tensor.rank < 5
            else { return }
            reordered = x.tensor.reshape(
                x.tensor.shape[..<axis] + [2, x.tensor.shape[axis] / 2] + x.tensor.shape[(axis + 1)...])
        default:
            guard x.tensor.rank < 5 else { return }
            var shape = x.tensor.shape
            shape.insert(1, at: random.integer(0...shape.count))
            reordered = x.tensor.reshape(shape)
        }
        keep(reordered, bound: x.bound, exact: x.exact)
    }

    /// New axes anywhere and extents of 1 stretched.
    mutating func growBroadcast() {
        let x = value()
        guard x.tensor.rank < 5 else { return }
        var shape: [Int] = [], axes: [Int] = []
        for extent in x.tensor.shape {
            if random.chance(0.3), shape.count < 4 { shape.append(random.pick([1, 2, 3, 5])) }
            axes.append(shape.count)
            shape.append(extent == 1 ? random.pick([1, 3, 7]) : extent)
        }
        if random.chance(0.3) || shape.isEmpty { shape.append(random.pick([2, 3, 17])) }
        guard shape.reduce(1, *) <= largestCount else { return }
        keep(builder.add(Broadcast(shape: shape, axes: axes), [x.tensor]), bound: x.bound, exact: x.exact)
    }
}
