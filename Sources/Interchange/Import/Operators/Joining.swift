import ApusIR

extension OperatorTable {
    static let joiningOperators: [String: Operator] = [
        "Concat": one { node in
            let parts = try node.tensors()
            guard let axis = try node.integer("axis") else {
                throw node.error(.attribute, "its attribute 'axis' is missing")
            }
            return concatenate(parts, axis: try node.axis(axis, rank: parts[0].rank))
        },
        "Split": divided,
        "Slice": one(part),
    ]

    @Sendable private static func divided(_ node: ImportedNode) throws -> [ImportedValue] {
        let x = try node.tensor(0), axis = try node.axis(node.integer("axis", default: 0), rank: x.rank)
        let extent = x.shape[axis], count = node.message.output.count
        guard try node.integer("num_outputs", default: count) == count, 1...extent ~= count else {
            throw node.error(.attribute, "splits \(x.type) into \(count) results")
        }
        let each = (extent + count - 1) / count
        let sizes =
            try node.integers(1, "the sizes of the parts") ?? (0..<count).map { min(each, extent - $0 * each) }
        guard sizes.allSatisfy({ 1...extent ~= $0 }), sizes.count == count, sizes.reduce(0, +) == extent else {
            throw node.error(.attribute, "splits an axis of extent \(extent) into parts of \(sizes.prefix(33))")
        }
        return split(x, sizes: sizes, axis: axis).map(ImportedValue.tensor)
    }

    @Sendable private static func part(_ node: ImportedNode) throws -> Tensor {
        var x = try node.tensor(0)
        guard let starts = try node.integers(1, "the starts"), let ends = try node.integers(2, "the ends") else {
            throw node.error(.attribute, "its starts or ends are missing")
        }
        let axes = try node.integers(3, "the axes") ?? Array(starts.indices)
        let steps = try node.integers(4, "the steps") ?? starts.map { _ in 1 }
        guard starts.count == ends.count, axes.count == starts.count, steps.count == starts.count else {
            throw node.error(
                .attribute,
                "has \(starts.count) starts, \(ends.count) ends, \(axes.count) axes and \(steps.count) steps")
        }
        for index in axes.indices {
            let axis = try node.axis(axes[index], rank: x.rank)
            let bounds = SliceBounds(start: starts[index], end: ends[index], step: steps[index], extent: x.shape[axis])
            guard bounds.step != 0, bounds.count > 0 else {
                throw node.error(.unsupported, "takes no elements of axis \(axis) of \(x.type)")
            }
            let last = bounds.first + (bounds.count - 1) * bounds.step
            let step = bounds.count == 1 ? 1 : abs(bounds.step)
            x = x.slice(min(bounds.first, last)..<max(bounds.first, last) + 1, axis: axis, step: step)
            if bounds.step < 0 { x = x.flipped([axis]) }
            guard x.isValid else { return x }
        }
        return x
    }
}
