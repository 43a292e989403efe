import ApusIR

extension OperatorTable {
    static let paddingOperators: [String: Operator] = ["Pad": one(padded)]

    @Sendable private static func padded(_ node: ImportedNode) throws -> Tensor {
        var x = try node.tensor(0)
        let axes = try node.integers(3, "the axes").map { try $0.map { try node.axis($0, rank: x.rank) } }
        let padded = axes ?? Array(x.shape.indices)
        guard let pads = try node.integers(1, "the widths"), pads.count == 2 * padded.count,
            Set(padded).count == padded.count, pads.allSatisfy({ $0.magnitude <= 1 << 32 })
        else { throw node.error(.attribute, "its widths do not fit \(x.type)") }
        var low = x.shape.map { _ in 0 }, high = low
        for (place, axis) in padded.enumerated() {
            (low[axis], high[axis]) = (pads[place], pads[place + padded.count])
            // Negative widths cut off.
            let start = max(0, -low[axis]), end = x.shape[axis] - max(0, -high[axis])
            guard start < end else { throw node.error(.unsupported, "leaves no elements of \(x.type)") }
            x = x.slice(start..<end, axis: axis)
        }
        (low, high) = (low.map { max(0, $0) }, high.map { max(0, $0) })
        switch try node.text("mode") ?? "constant" {
        case "constant":
            let fill = try node.known(2, "the number to pad with")?.values.first ?? 0
            guard fill != 0 else { return x.padded(low: low, high: high) }
            let inside = x.constant(1, shape: x.shape).padded(low: low, high: high)
            return select(greater(inside, inside.constant(0)), x.padded(low: low, high: high), x.constant(fill))
        case "reflect":
            return try repeated(x, low, high, node) { place, extent in
                // Back and forth, where the ends stand once.
                let period = max(1, 2 * (extent - 1)), offset = ((place % period) + period) % period
                return min(offset, period - offset)
            }
        case "edge": return try repeated(x, low, high, node) { min(max($0, 0), $1 - 1) }
        case "wrap": return try repeated(x, low, high, node) { (($0 % $1) + $1) % $1 }
        case let mode: throw node.error(.unsupported, "its mode '\(shown(mode))' is not imported")
        }
    }

    /// Rows before and after x that are rows of it, chosen by their places.
    private static func repeated(
        _ x: Tensor, _ low: [Int], _ high: [Int], _ node: ImportedNode, _ row: (_ place: Int, _ extent: Int) -> Int
    ) throws -> Tensor {
        var result = x
        for axis in x.shape.indices where low[axis] + high[axis] > 0 {
            let extent = x.shape[axis]
            guard extent + low[axis] + high[axis] <= 1 << 20 else { throw node.error(.limit, "pads by too many rows") }
            result = chosen((-low[axis]..<extent + high[axis]).map { row($0, extent) }, of: result, axis: axis)
        }
        return result
    }

    /// Rows of an axis by their known numbers.
    static func chosen(_ rows: [Int], of x: Tensor, axis: Int) -> Tensor {
        let values = rows.map(Double.init)
        let indices = x.builder.add(Constant(TensorType(.i32, [rows.count]), values: values), [])
        return gather(x.movingAxis(axis, to: 0), indices).movingAxis(0, to: axis)
    }
}
