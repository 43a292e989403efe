/// The largest element of each window that slides over the last axes of x [n, c, extents...]: [n, c, counts...].
/// Outside of the images there is −∞; NaN is the largest.
///
/// The gradient goes to the element that was taken: the first of equal ones, the last of those that are NaN.
public struct MaximumPool: CompositeOperation, DifferentiableOperation {
    public static let name = "max_pool"
    public static let kind = OperationKind.composite(.other)
    /// Places of a window, and phases of its stride, up to which the gradient of its own pays: it has operations for
    /// each.
    static let mostPlaces = 16
    /// For each of the last axes.
    public var size: [Int], stride: [Int], padding: [Int], dilation: [Int]
    /// Padding after the images; `padding` is that before them.
    public var paddingAfter: [Int]

    /// Pooling with a number for each of the last axes; after the images there is as much padding as before them if
    /// nothing else is said.
    public init(size: [Int], stride: [Int], padding: [Int], paddingAfter: [Int]? = nil, dilation: [Int]) {
        (self.size, self.stride, self.padding, self.dilation) = (size, stride, padding, dilation)
        self.paddingAfter = paddingAfter ?? padding
    }

    public var attributes: Attributes {
        [
            ("size", .integers(size)), ("stride", .integers(stride)), ("padding", .integers(padding)),
            ("padding_after", .integers(paddingAfter)), ("dilation", .integers(dilation)),
        ]
    }
    public init(attributes: Attributes, type: TensorType) throws(GraphError) {
        size = try attributes.integers("size")
        stride = try attributes.integers("stride")
        padding = try attributes.integers("padding")
        paddingAfter = try attributes.integers("padding_after")
        dilation = try attributes.integers("dilation")
    }

    private var windows: SlidingWindows {
        SlidingWindows(size: size, stride: stride, padding: padding, paddingAfter: paddingAfter, dilation: dilation)
    }

    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        try expect(operands, count: 1)
        let x = operands[0], axes = size.count
        try expectFloat(x)
        guard x.rank == axes + 2, padding.count == axes, paddingAfter.count == axes,
            (padding + paddingAfter).allSatisfy({ 0...largestElementCount ~= $0 })
        else {
            let paddings = [padding, paddingAfter].map(shapeText)
            throw error(
                .attribute,
                "a window of \(shapeText(size)) with padding \(paddings[0]) before and \(paddings[1]) after does not slide over \(x)"
            )
        }
        let extents = (0..<axes).map { padding[$0] + x.shape[$0 + 2] + paddingAfter[$0] }
        let windows: TensorType
        do {
            windows = try Windows(size: size, stride: stride, dilation: dilation).inferType([x.with(shape: extents)])
        } catch { throw self.error(error.code, error.message) }
        return x.with(shape: Array(x.shape.prefix(2)) + windows.shape.dropFirst(axes))
    }

    public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
        let x = operands[0]
        var result = HostTensor(type)
        forEachIndex(type.shape) { index, target in
            var largest = -Double.infinity
            forEachIndex(size) { place, _ in
                var source = Array(index.prefix(2))
                for axis in size.indices {
                    let position = index[axis + 2] * stride[axis] + place[axis] * dilation[axis] - padding[axis]
                    guard 0..<x.shape[axis + 2] ~= position else { return }
                    source.append(position)
                }
                let value = x.values[position(source, x.strides)]
                if value > largest || value.isNaN { largest = value }
            }
            result.values[target] = largest
        }
        return result
    }

    public func decompose(_ operands: [Tensor]) -> Tensor {
        windows.folded(operands[0], padding: -.infinity) { Self.larger(of: $0, $1, $0, $1) }
    }

    /// `b` where the next element takes the place of the best so far, else `a`: the first of equal elements stays, NaN
    /// is the largest.
    static func larger(of best: Tensor, _ next: Tensor, _ a: Tensor, _ b: Tensor) -> Tensor {
        select(greater(next, best), b, select(notEqual(next, next), b, a))
    }

    public func gradient(_ context: GradientContext) -> [Tensor?] {
        let x = context.operands[0], seed = context.seed, extents = Array(x.shape.dropFirst(2))
        let counts = zip(extents, stride).map { ($0 + $1 - 1) / $1 }
        let taken = taken(in: x)
        var phases: [Tensor] = []
        forEachIndex(stride) { phase, _ in phases.append(images(seed, taken, phase: phase, counts: counts)) }
        return [interleaved(phases, stride: stride, extents: extents)]
    }

    /// The number of the place that each window takes its element from.
    private func taken(in x: Tensor) -> Tensor {
        let all = x.builder.add(
            Windows(size: size, stride: stride, dilation: dilation),
            [windows.padded(x, with: -.infinity).copied()])
        let elements = all.places(first: 2, count: size.count)
        var best = elements[0], taken = x.constant(0, shape: best.shape)
        for (number, next) in elements.enumerated().dropFirst() {
            taken = Self.larger(of: best, next, taken, x.constant(Double(number), shape: best.shape))
            best = Self.larger(of: best, next, best, next)
        }
        return taken.copied()
    }

    /// What the images get in one phase of the stride: of each window that meets an element, the seed if it took that
    /// one.
    private func images(_ seed: Tensor, _ taken: Tensor, phase: [Int], counts: [Int]) -> Tensor {
        let taps = size.indices.map {
            PhaseTaps(
                phase: phase[$0], size: size[$0], stride: stride[$0], padding: padding[$0], dilation: dilation[$0])
        }
        let none = seed.constant(0, shape: seed.shape.prefix(2) + counts)
        guard taps.allSatisfy({ $0.count > 0 }), let seeds = seed.read(by: taps, counts: counts),
            let numbers = taken.read(by: taps, counts: counts)
        else { return none }
        let windows = Windows(
            size: taps.map(\.count), stride: size.map { _ in 1 }, dilation: taps.map(\.dilation), isReversed: true)
        let given = seed.builder.add(windows, [seeds]).places(first: 2, count: size.count)
        let places = seed.builder.add(windows, [numbers]).places(first: 2, count: size.count)
        var sum: Tensor?
        forEachIndex(taps.map(\.count)) { tap, number in
            let place = size.indices.reduce(0) { $0 * size[$1] + taps[$1].first + tap[$1] * taps[$1].step }
            let part = select(
                equal(places[number], seed.constant(Double(place), shape: none.shape)), given[number], none)
            sum = sum.map { $0 + part } ?? part
        }
        return sum ?? none
    }
}
