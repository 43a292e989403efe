import ApusIR

/// Up to which sizes the products of a grouped convolution are added up element by element.
public struct NarrowGroupLimits: Hashable, Sendable {
    /// The most channels that a group reads and gives, and the most products of a result.
    public var channels: Int, products: Int

    /// Limits.
    public init(channels: Int, products: Int) { (self.channels, self.products) = (channels, products) }
}

extension Pass {
    /// Convolutions of groups of few channels, and their gradients with respect to images, as sums of shifted images
    /// times weights: for a matmul, windows would be packed that few rows are multiplied with.
    ///
    /// Operands that mixed precision rounds stay rounded; sums are in f32.
    public static func narrowGroups(_ limits: NarrowGroupLimits) -> Pass {
        Pass(
            "narrow-groups",
            recording: { graph, rewrites in
                var replacements: [Value: Replacement] = [:]
                for value in graph.values {
                    guard let convolution = GroupedConvolution(graph, value, limits) else { continue }
                    replacements[value] = { new in
                        convolution.result(kernel: new(convolution.kernel), windows: new(convolution.windows))
                    }
                    rewrites.append(
                        Rewrite(
                            pass: "narrow-groups", note: "convolutions of narrow groups are sums of shifted images",
                            location: graph[value].location))
                }
                return try rebuild(graph, replacing: replacements)
            })
    }
}

/// A matmul of a kernel [groups, o, c, size...], of which c or o is contracted, with windows [n · groups, c, size...,
/// counts...].
private struct GroupedConvolution {
    let kernel: Value, windows: Value
    private let groups: Int, channels: Int, axes: Int
    /// The kernel's axis of the channels that a group reads.
    private let channelAxis: Int
    private let element: ElementType

    init?(_ graph: Graph, _ value: Value, _ limits: NarrowGroupLimits) {
        guard let dot = graph[value].operation as? Dot, dot.leftBatch == [0], dot.rightBatch == [1], !dot.usesLibrary,
            case let operands = graph[value].operands, graph[operands[1]].operation is Reshape,
            case let source = graph[operands[1]].operands[0], let windows = graph[source].operation as? Windows
        else { return nil }
        let shape = graph[operands[1]].type.shape, kernelShape = graph[operands[0]].type.shape
        let axes = windows.size.count, taps = Array(3..<3 + axes)
        guard shape.count == 3 + 2 * axes, Array(shape[2...]) == Array(graph[source].type.shape[1...]),
            dot.rightContracting == Array(2..<3 + axes), kernelShape.count == 3 + axes,
            dot.leftContracting.count == 1 + axes, Array(dot.leftContracting[1...]) == taps,
            // Two axes are those of channels; of more results, matmuls multiply what they pack with more rows.
            max(kernelShape[1], kernelShape[2]) <= limits.channels,
            shape[2] * windows.size.reduce(1, *) <= limits.products,
            operands.allSatisfy({ [.f32, .bf16].contains(graph[$0].type.element) })
        else { return nil }
        (kernel, self.windows) = (operands[0], source)
        (groups, channels, self.axes) = (shape[1], shape[2], axes)
        channelAxis = dot.leftContracting[0]
        element = graph[value].type.element
    }

    /// The results, [groups, o, n, counts...].
    func result(kernel: Tensor, windows: Tensor) -> Tensor {
        let ones = [Int](repeating: 1, count: axes)
        let weights = kernel.places(first: 3, count: axes), images = windows.places(first: 2, count: axes)
        var products: [Tensor] = []
        for channel in 0..<channels {
            for (weights, images) in zip(weights, images) {
                let weights = weights.slice(channel..<channel + 1, axis: channelAxis)
                let grouped = images.reshape([-1, groups, channels] + images.shape[2...])
                let elements = grouped.slice(channel..<channel + 1, axis: 2)
                products.append(elements.cast(.f32) * weights.cast(.f32).reshape([groups, -1] + ones))
            }
        }
        let sum = products.dropFirst().reduce(products[0], +)  // [n, groups, o, counts...]
        return sum.transpose([1, 2, 0] + (0..<axes).map { 3 + $0 }).cast(element)
    }
}
