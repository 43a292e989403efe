/// The convolution (cross-correlation) of images with a kernel, along all axes but the first two.
///
/// Operands: x [n, c, extents...] and kernel [o, c / groups, size...]; the result is [n, o, counts...], with
/// (extent + 2 · padding − dilation · (size − 1) − 1) / stride + 1 places along each axis.
///
/// It is one matmul of the kernel with windows of the padded images, which are never stored: the matmul reads them
/// while it packs its operand. So are its gradients: that of the images is the transposed convolution of the seed, that
/// of the kernel a matmul of the seed with the same windows.
public struct Convolve: CompositeOperation, DifferentiableOperation {
    public static let name = "convolve"
    public static let kind = OperationKind.composite(.other)
    /// For each of the last axes.
    public var stride: [Int], padding: [Int], dilation: [Int]
    /// Groups of channels, each with kernels of its own.
    public var groups: Int

    /// A convolution with a number for each of the last axes, and so many groups of channels.
    public init(stride: [Int], padding: [Int], dilation: [Int], groups: Int) {
        (self.stride, self.padding, self.dilation, self.groups) = (stride, padding, dilation, groups)
    }

    public var attributes: Attributes {
        [
            ("stride", .integers(stride)), ("padding", .integers(padding)), ("dilation", .integers(dilation)),
            ("groups", .integer(groups)),
        ]
    }
    public init(attributes: Attributes, type: TensorType) throws(GraphError) {
        stride = try attributes.integers("stride")
        padding = try attributes.integers("padding")
        dilation = try attributes.integers("dilation")
        groups = try attributes.integer("groups")
    }

    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        try expect(operands, count: 2)
        let (x, kernel) = (operands[0], operands[1])
        try expectFloat(x)
        guard x.element == kernel.element else { throw error(.elementType, "element types differ: \(x) and \(kernel)") }
        guard x.rank > 2, kernel.rank == x.rank, groups > 0, x.shape[1] % groups == 0, kernel.shape[0] % groups == 0,
            kernel.shape[1] == x.shape[1] / groups
        else {
            throw error(
                .shape,
                "takes images [n,c,extents...] and a kernel [o,c/groups,size...], has \(shapeText(x.shape)) and \(shapeText(kernel.shape)) in \(groups) groups"
            )
        }
        let axes = x.rank - 2
        guard [stride, padding, dilation].allSatisfy({ $0.count == axes }),
            padding.allSatisfy({ 0...largestElementCount ~= $0 })
        else {
            throw error(
                .attribute,
                "stride \(shapeText(stride)), padding \(shapeText(padding)) and dilation \(shapeText(dilation)) do not belong to \(axes) axes"
            )
        }
        let extents = (0..<axes).map { x.shape[$0 + 2] + 2 * padding[$0] }
        let windows: TensorType
        do {
            windows = try Windows(size: Array(kernel.shape.dropFirst(2)), stride: stride, dilation: dilation)
                .inferType([x.with(shape: extents)])
        } catch { throw self.error(error.code, error.message) }
        return x.with(shape: [x.shape[0], kernel.shape[0]] + windows.shape.dropFirst(axes))
    }

    public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
        let x = operands[0], kernel = operands[1], taps = Array(kernel.shape.dropFirst())
        let outputs = kernel.shape[0] / groups
        var result = HostTensor(type)
        forEachIndex(type.shape) { index, place in
            let first = index[1] / outputs * taps[0], kernelStart = index[1] * kernel.strides[0]
            forEachIndex(taps) { tap, number in
                var source = [index[0], first + tap[0]]
                for axis in stride.indices {
                    let position = index[axis + 2] * stride[axis] + tap[axis + 1] * dilation[axis] - padding[axis]
                    guard 0..<x.shape[axis + 2] ~= position else { return }
                    source.append(position)
                }
                result.values[place] += x.values[position(source, x.strides)] * kernel.values[kernelStart + number]
            }
        }
        return result
    }

    public func decompose(_ operands: [Tensor]) -> Tensor {
        let (x, kernel) = (operands[0], operands[1])
        guard !isDepthwise(kernel) else { return weighted(slices(x, kernel), by: kernel) }
        guard groups > 1 else {
            let windows = windows(of: x, kernel)
            let product = dot(kernel, windows, contracting: (1..<kernel.rank).map { ($0, $0) })  // [o, n, counts...]
            return product.transpose([1, 0] + Array(2..<product.rank))
        }
        let windows = inGroups(windows(of: groupsAsSamples(x), kernel))
        let product = dot(
            grouped(kernel, axis: 0), windows, batch: [(0, 1)],
            contracting: (2...kernel.rank).map { ($0, $0) })  // [groups, o / groups, n, counts...]
        return ungrouped(product.transpose([2, 0, 1] + Array(3..<product.rank)), axis: 1)
    }

    public func gradient(_ context: GradientContext) -> [Tensor?] {
        let (x, kernel) = (context.operands[0], context.operands[1]), seed = context.seed
        let extents = Array(x.shape.dropFirst(2))
        return [images(seed, kernel, extents: extents), weights(seed, x, kernel)]
    }

    // MARK: Windows

    /// Whether each channel has a kernel of its own: too few products for a matmul.
    func isDepthwise(_ kernel: Tensor) -> Bool {
        groups > 1 && kernel.shape[1] == 1 && kernel.shape[0] == groups
    }

    /// The images with zeros around them, stored: many read each element.
    private func padded(_ x: Tensor) -> Tensor {
        padding.allSatisfy { $0 == 0 } ? x : x.padded(low: [0, 0] + padding, high: [0, 0] + padding).copied()
    }

    /// All windows, [n, c, size..., counts...].
    private func windows(of x: Tensor, _ kernel: Tensor) -> Tensor {
        let size = Array(kernel.shape.dropFirst(2)), images = padded(x)
        guard size.contains(where: { $0 > 1 }) else {
            let steps = [1, 1] + stride
            let places =
                steps.allSatisfy { $0 == 1 }
                ? images
                : images.builder.add(
                    Slice(starts: steps.map { _ in 0 }, limits: images.shape, steps: steps), [images]
                ).copied()
            return places.reshape(places.shape.prefix(2) + size + places.shape.dropFirst(2))
        }
        return x.builder.add(Windows(size: size, stride: stride, dilation: dilation), [images])
    }

    /// For each place in a window, in row-major order, the elements that all windows have there: [n, c, counts...].
    private func slices(_ x: Tensor, _ kernel: Tensor) -> [Tensor] {
        let windows = x.builder.add(
            Windows(size: Array(kernel.shape.dropFirst(2)), stride: stride, dilation: dilation), [padded(x)])
        return windows.places(first: 2, count: stride.count)
    }

    /// Σ over places of elements [n, c, counts...] times the weights [c, 1, size...] there.
    func weighted(_ slices: [Tensor], by kernel: Tensor) -> Tensor {
        let weights = kernel.places(first: 2, count: stride.count)
        let products = zip(slices, weights).map { slice, weight in
            slice * weight.reshape([weight.shape[0]] + stride.map { _ in 1 })
        }
        return products.dropFirst().reduce(products[0], +)
    }

    // MARK: Gradients

    /// The gradient of the kernel.
    private func weights(_ seed: Tensor, _ x: Tensor, _ kernel: Tensor) -> Tensor {
        let axes = stride.indices
        if isDepthwise(kernel) {
            let sums = slices(x, kernel).map { sum($0 * seed, axes: [0] + axes.map { $0 + 2 }).reshape([groups, 1]) }
            return concatenate(sums, axis: 1).reshape(kernel.shape)
        }
        guard groups > 1 else {
            let windows = windows(of: x, kernel)
            // [o, c, size...]
            return dot(seed, windows, contracting: [(0, 0)] + axes.map { ($0 + 2, $0 + 2 + stride.count) })
        }
        let windows = inGroups(windows(of: groupsAsSamples(x), kernel))
        return dot(
            grouped(seed, axis: 1), windows, batch: [(1, 1)],
            contracting: [(0, 0)] + axes.map { ($0 + 3, $0 + 3 + stride.count) }
        ).reshape(kernel.shape)
    }
}
