import ApusIR

extension OperatorTable {
    static let poolingOperators: [String: Operator] = [
        "MaxPool": one(largest), "AveragePool": one(averaged),
        "GlobalAveragePool": one { node in
            let x = try node.tensor(0)
            try node.expectImages(x)
            return mean(x, axes: Array(2..<x.rank), keepAxes: true)
        },
        "GlobalMaxPool": one { node in
            let x = try node.tensor(0)
            try node.expectImages(x)
            return maximum(x, axes: Array(2..<x.rank), keepAxes: true)
        },
    ]

    @Sendable private static func largest(_ node: ImportedNode) throws -> Tensor {
        let (x, window) = try poolingWindow(node)
        let isCeil = try node.flag("ceil_mode")
        if window.before == window.after {
            return maximumPooling(
                x, size: window.size, stride: window.stride, padding: window.before, dilation: window.dilation,
                ceilMode: isCeil)
        }
        guard !isCeil else { throw node.error(.unsupported, "has ceil_mode and padding of different widths") }
        return x.builder.add(
            MaximumPool(
                size: window.size, stride: window.stride, padding: window.before, paddingAfter: window.after,
                dilation: window.dilation), [x])
    }

    @Sendable private static func averaged(_ node: ImportedNode) throws -> Tensor {
        let (x, window) = try poolingWindow(node)
        guard window.dilation.allSatisfy({ $0 == 1 }) else { throw node.error(.unsupported, "has dilations") }
        let countsPadding = try node.flag("count_include_pad"), isCeil = try node.flag("ceil_mode")
        if window.before == window.after {
            return averagePooling(
                x, size: window.size, stride: window.stride, padding: window.before, countsPadding: countsPadding,
                ceilMode: isCeil)
        }
        guard !isCeil else { throw node.error(.unsupported, "has ceil_mode and padding of different widths") }
        let sums = averagePooling(window.padded(x), size: window.size, stride: window.stride)
        guard !countsPadding else { return sums }
        let ones = x.constant(1, shape: [1, 1] + x.shape.dropFirst(2))
        return sums / averagePooling(window.padded(ones), size: window.size, stride: window.stride)
    }

    private static func poolingWindow(_ node: ImportedNode) throws -> (Tensor, WindowAttributes) {
        let x = try node.tensor(0)
        try node.expectImages(x)
        guard x.shape.dropFirst(2).allSatisfy({ $0 <= 1 << 20 }) else {
            throw node.error(.limit, "pools over \(x.type)")
        }
        guard try node.integers("kernel_shape") != nil else {
            throw node.error(.attribute, "its attribute 'kernel_shape' is missing")
        }
        let size = try node.perAxis("kernel_shape", x.rank - 2, default: 1, from: 1)
        return (x, try WindowAttributes(node, size: size, over: x))
    }
}
