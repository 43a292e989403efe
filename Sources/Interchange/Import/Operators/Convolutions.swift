import ApusIR

extension OperatorTable {
    static let convolutionOperators: [String: Operator] = [
        "Conv": one(convolved), "ConvTranspose": one(transposed),
    ]

    @Sendable private static func convolved(_ node: ImportedNode) throws -> Tensor {
        let x = try node.tensor(0), kernel = try node.tensor(1)
        try node.expectImages(x)
        guard kernel.rank == x.rank else { throw node.error(.attribute, "its kernel is \(kernel.type) for \(x.type)") }
        let size = Array(kernel.shape.dropFirst(2))
        if let given = try node.integers("kernel_shape"), given != size {
            throw node.error(.attribute, "its kernel is \(kernel.type), and its attribute says \(shapeText(given))")
        }
        let window = try WindowAttributes(node, size: size, over: x)
        let (images, padding) = window.symmetric(x)
        let y = convolution(
            images, kernel: kernel, stride: window.stride, padding: padding, dilation: window.dilation,
            groups: try node.integer("group", default: 1))
        return try node.adding(bias: 2, to: y)
    }

    @Sendable private static func transposed(_ node: ImportedNode) throws -> Tensor {
        let x = try node.tensor(0), kernel = try node.tensor(1), axes = x.rank - 2
        try node.expectImages(x)
        guard kernel.rank == x.rank else { throw node.error(.attribute, "its kernel is \(kernel.type) for \(x.type)") }
        let size = Array(kernel.shape.dropFirst(2)), groups = try node.integer("group", default: 1)
        let window = try WindowAttributes(node, size: size, over: x, isTransposed: true)
        let added = try node.perAxis("output_padding", axes, default: 0, from: 0)
        if window.before == window.after,
            zip(added, zip(window.stride, window.dilation)).allSatisfy({ $0 < max($1.0, $1.1) })
        {
            let y = transposedConvolution(
                x, kernel: kernel, stride: window.stride, padding: window.before, outputPadding: added,
                dilation: window.dilation, groups: groups)
            return try node.adding(bias: 2, to: y)
        }
        // All of the result, of which a part is left, or to which zeros are added.
        var y = transposedConvolution(
            x, kernel: kernel, stride: window.stride, dilation: window.dilation, groups: groups)
        guard y.isValid else { return y }
        for axis in 0..<axes {
            let extent = y.shape[axis + 2], end = extent - window.after[axis] + added[axis]
            guard window.before[axis] < end else {
                throw node.error(.attribute, "its padding leaves nothing of \(x.type)")
            }
            y = y.slice(window.before[axis]..<min(end, extent), axis: axis + 2)
            if end > extent {
                var high = y.shape.map { _ in 0 }
                high[axis + 2] = end - extent
                y = y.padded(low: y.shape.map { _ in 0 }, high: high)
            }
        }
        return try node.adding(bias: 2, to: y)
    }
}

/// Strides, dilations and padding of windows over the spatial axes.
struct WindowAttributes {
    let size: [Int], stride: [Int], dilation: [Int]
    /// Places that are added before the first and after the last element of each axis.
    let before: [Int], after: [Int]

    init(_ node: ImportedNode, size: [Int], over x: Tensor, isTransposed: Bool = false) throws {
        let axes = size.count
        self.size = size
        stride = try node.perAxis("strides", axes, default: 1, from: 1)
        dilation = try node.perAxis("dilations", axes, default: 1, from: 1)
        let rule = try node.text("auto_pad") ?? "NOTSET"
        switch rule {
        case "NOTSET":
            let pads = try node.perAxis("pads", 2 * axes, default: 0, from: 0)
            (before, after) = (Array(pads.prefix(axes)), Array(pads.suffix(axes)))
        case "VALID": (before, after) = (size.map { _ in 0 }, size.map { _ in 0 })
        case "SAME_UPPER" where !isTransposed, "SAME_LOWER" where !isTransposed:
            var low: [Int] = [], high: [Int] = []
            for axis in 0..<axes {
                let extent = x.shape[axis + 2], counts = (extent - 1) / stride[axis]
                let total = max(0, counts * stride[axis] + (size[axis] - 1) * dilation[axis] + 1 - extent)
                low.append(rule == "SAME_UPPER" ? total / 2 : total - total / 2)
                high.append(total - low[axis])
            }
            (before, after) = (low, high)
        default: throw node.error(.unsupported, "its attribute 'auto_pad' is '\(shown(rule))', which is not imported")
        }
    }

    /// Images that are padded by hand where both sides differ, and the padding that is left.
    func symmetric(_ x: Tensor) -> (Tensor, [Int]) {
        before == after ? (x, before) : (padded(x), before.map { _ in 0 })
    }

    func padded(_ x: Tensor) -> Tensor { x.padded(low: [0, 0] + before, high: [0, 0] + after) }
}

extension ImportedNode {
    /// Fails unless x has spatial axes.
    func expectImages(_ x: Tensor) throws {
        guard x.rank > 2 else { throw error(.attribute, "takes images [n,c,spatial...], has \(x.type)") }
    }

    /// An attribute with a number for each axis, from a number on and not so large that it cannot be computed with.
    func perAxis(_ name: String, _ count: Int, default value: Int, from least: Int) throws -> [Int] {
        guard let given = try integers(name), !given.isEmpty else { return [Int](repeating: value, count: count) }
        guard given.count == count, given.allSatisfy({ least...(1 << 24) ~= $0 }) else {
            throw error(
                .attribute, "its attribute '\(name)' is \(given.prefix(33)); it takes \(count) numbers from \(least) on"
            )
        }
        return given
    }

    /// Channels [n, c, ...] with a bias [c], if there is one.
    func adding(bias index: Int, to y: Tensor) throws -> Tensor {
        guard let bias = try optionalTensor(index), y.isValid else { return y }
        guard bias.shape == [y.shape[1]] else {
            throw error(.attribute, "its bias is \(bias.type) for \(y.shape[1]) channels")
        }
        return y + bias.reshape([y.shape[1]] + y.shape.dropFirst(2).map { _ in 1 })
    }
}
