import ApusIR

extension OperatorTable {
    static let reductionOperators: [String: Operator] = [
        "ReduceSum": reduction { sum($0, axes: $1, keepAxes: true) },
        "ReduceMean": reduction { mean($0, axes: $1, keepAxes: true) },
        "ReduceMax": reduction { maximum($0, axes: $1, keepAxes: true) },
        "ReduceMin": reduction { minimum($0, axes: $1, keepAxes: true) },
        "ReduceL1": reduction { sum(abs($0), axes: $1, keepAxes: true) },
        "ReduceL2": reduction { sqrt(sum($0 * $0, axes: $1, keepAxes: true)) },
        "ReduceSumSquare": reduction { sum($0 * $0, axes: $1, keepAxes: true) },
        "ReduceLogSum": reduction { log(sum($0, axes: $1, keepAxes: true)) },
        "ReduceLogSumExp": reduction { x, axes in
            let largest = maximum(x, axes: axes, keepAxes: true)
            return log(sum(exp(x - largest), axes: axes, keepAxes: true)) + largest
        },
        "ReduceProd": one(multiplied),
        "ArgMax": one { try place($0) { $0 } }, "ArgMin": one { try place($0) { -$0 } },
        "TopK": highest,
        "CumSum": one { node in
            try node.expect("exclusive", is: 0)
            try node.expect("reverse", is: 0)
            let x = try node.tensor(0)
            guard let axis = try node.integers(1, "the axis")?.first else {
                throw node.error(.attribute, "its axis is missing")
            }
            return cumulativeSum(x, axis: try node.axis(axis, rank: x.rank))
        },
    ]

    /// The axes of the second operand, or of the attribute as in older versions; all if there are none.
    private static func axes(_ node: ImportedNode, _ x: Tensor) throws -> [Int] {
        let given = try node.integers(1, "the axes") ?? node.integers("axes") ?? []
        if given.isEmpty { return try node.flag("noop_with_empty_axes") ? [] : Array(x.shape.indices) }
        return try node.axes(given, rank: x.rank)
    }

    private static func reduction(_ function: @escaping @Sendable (Tensor, [Int]) -> Tensor) -> Operator {
        one { node in
            let x = try node.tensor(0), axes = try axes(node, x)
            let result = function(x, axes)
            guard result.isValid, try !node.flag("keepdims", default: true) else { return result }
            return result.reshape(x.shape.indices.filter { !axes.contains($0) }.map { x.shape[$0] })
        }
    }

    @Sendable private static func multiplied(_ node: ImportedNode) throws -> Tensor {
        let x = try node.tensor(0), axes = try axes(node, x)
        guard axes.reduce(1, { min($0 * x.shape[$1], 4097) }) <= 4096 else {
            throw node.error(.limit, "multiplies more than 4096 elements with each other")
        }
        let product = axes.reduce(x) { product, axis in
            let parts = (0..<x.shape[axis]).map { product.slice($0..<$0 + 1, axis: axis) }
            return parts.dropFirst().reduce(parts[0], *)
        }
        guard product.isValid, try !node.flag("keepdims", default: true) else { return product }
        return product.reshape(x.shape.indices.filter { !axes.contains($0) }.map { x.shape[$0] })
    }

    private static func place(_ node: ImportedNode, _ key: (Tensor) -> Tensor) throws -> Tensor {
        try node.expect("select_last_index", is: 0)
        let x = try node.tensor(0), axis = try node.axis(node.integer("axis", default: 0), rank: x.rank)
        let places = argmax(key(x).movingAxis(axis, to: -1))
        guard places.isValid, try node.flag("keepdims", default: true) else { return places }
        return places.reshape(x.shape.indices.map { $0 == axis ? 1 : x.shape[$0] })
    }

    @Sendable private static func highest(_ node: ImportedNode) throws -> [ImportedValue] {
        let x = try node.tensor(0), axis = try node.axis(node.integer("axis", default: -1), rank: x.rank)
        guard let count = try node.integers(1, "how many")?.first, 1...x.shape[axis] ~= count else {
            throw node.error(.attribute, "takes from 1 to \(x.shape[axis]) elements of \(x.type)")
        }
        let isLargest = try node.flag("largest", default: true), rows = x.movingAxis(axis, to: -1)
        let (values, indices) = topK(isLargest ? rows : -rows, count)
        let found = isLargest ? values : -values
        return [.tensor(found.movingAxis(-1, to: axis)), .tensor(indices.movingAxis(-1, to: axis))]
    }
}
