/// Windows that slide over the spatial axes of [n, c, spatial...]: sizes, steps and padding of convolutions and
/// pooling, one number for each spatial axis.
struct SlidingWindows {
    var size: [Int], stride: [Int], padding: [Int], dilation: [Int]
    /// Padding after the last element, which is more than that before the first one where the last window runs over it.
    var paddingAfter: [Int]

    /// Most places in a window; for each of them operations are added to the graph.
    static let mostPlaces = 1 << 16

    /// The windows over x; nil, and the mistake reported, if there are none.
    ///
    /// - Parameter ceilMode: Whether a last window that begins inside of x, or of the padding before it, may run over
    ///   its end and the padding there, as with PyTorch's `ceil_mode`.
    init?(
        over x: Tensor, size: any PerAxis, stride: any PerAxis, padding: any PerAxis, dilation: any PerAxis,
        ceilMode: Bool = false, operation: String, location: SourceLocation?
    ) {
        let axes = x.rank - 2
        guard axes > 0, let size = size.values(axes: axes), let stride = stride.values(axes: axes),
            let padding = padding.values(axes: axes), let dilation = dilation.values(axes: axes)
        else {
            _ = x.mistake(
                operation,
                "size \(perAxisText(size)), stride \(perAxisText(stride)), padding \(perAxisText(padding)) and dilation \(perAxisText(dilation)) do not belong to the spatial axes of \(shapeText(x.shape)), which is [n,c,spatial...]",
                at: location)
            return nil
        }
        self.size = size
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        paddingAfter = padding
        let fits = (0..<axes).allSatisfy { axis in
            let numbers = [size[axis], stride[axis], dilation[axis], padding[axis]]
            guard numbers.allSatisfy({ 0...largestElementCount ~= $0 }), !numbers.prefix(3).contains(0) else {
                return false
            }
            let (reach, isTooLarge) = (size[axis] - 1).multipliedReportingOverflow(by: dilation[axis])
            let room = x.shape[axis + 2] + 2 * padding[axis]
            return !isTooLarge && reach < room + (ceilMode ? stride[axis] - 1 : 0)
        }
        let limit = Self.mostPlaces + 1, places = fits ? size.reduce(1) { min($0, limit) * min($1, limit) } : 0
        guard fits, places < limit else {
            _ = x.mistake(
                operation,
                "a window of \(perAxisText(size)) by \(perAxisText(stride)) does not fit into \(shapeText(x.shape)) with padding \(perAxisText(padding))"
                    + (dilation.contains { $0 != 1 } ? " and dilation \(perAxisText(dilation))" : "")
                    + (ceilMode ? ", even in ceil mode" : ""), at: location)
            return nil
        }
        guard ceilMode else { return }
        paddingAfter = size.indices.map { axis in
            let extent = x.shape[axis + 2] + padding[axis], reach = (size[axis] - 1) * dilation[axis] + 1
            // The last window, rounded up; the one before it where that begins in the padding after x.
            let rounded = (extent + padding[axis] - reach + stride[axis] - 1) / stride[axis] * stride[axis]
            let last = rounded < extent ? rounded : rounded - stride[axis]
            return max(padding[axis], last + reach - extent)
        }
    }

    init(size: [Int], stride: [Int], padding: [Int], paddingAfter: [Int], dilation: [Int]) {
        (self.size, self.stride, self.padding, self.dilation) = (size, stride, padding, dilation)
        self.paddingAfter = paddingAfter
    }

    private var axes: Range<Int> { size.indices }

    /// How many windows there are along each axis of x.
    func counts(over x: Tensor) -> [Int] {
        axes.map { axis in
            let extent = padding[axis] + x.shape[axis + 2] + paddingAfter[axis]
            return (extent - (size[axis] - 1) * dilation[axis] - 1) / stride[axis] + 1
        }
    }

    /// Whether the windows lie side by side and cover x, so that they are another shape of it.
    func tile(_ x: Tensor) -> Bool {
        size == stride && (padding + paddingAfter + dilation.map { $0 - 1 }).allSatisfy { $0 == 0 }
            && axes.allSatisfy { x.shape[$0 + 2] % size[$0] == 0 }
    }

    /// x with the padding around its spatial axes, zeros or minus infinity.
    func padded(_ x: Tensor, with fill: Double = 0) -> Tensor {
        let padded = x.padded(low: [0, 0] + padding, high: [0, 0] + paddingAfter)
        guard fill != 0, padded.isValid else { return padded }
        return axes.filter { padding[$0] + paddingAfter[$0] > 0 }.reduce(padded) { result, axis in
            let extent = padded.shape[axis + 2]
            let place = x.builder.add(Iota(TensorType(.i32, [extent]), axis: 0), [])
            let filling = x.constant(fill, shape: [extent]), none = x.constant(0, shape: [extent])
            let edge = select(
                less(place, place.constant(Double(padding[axis]))), filling,
                select(less(place, place.constant(Double(extent - paddingAfter[axis]))), none, filling))
            return result + edge.reshape([extent] + axes[(axis + 1)...].map { _ in 1 })
        }
    }

    /// What a function makes of the elements of each window, which it is given two by two in row-major order: [n, c,
    /// counts...]. Along one axis after the other, the last first, so that it is called for the sum of sizes and not
    /// for their product.
    func folded(_ x: Tensor, padding fill: Double = 0, _ combine: (Tensor, Tensor) -> Tensor) -> Tensor {
        let counts = counts(over: x)
        return axes.reversed().reduce(padded(x, with: fill)) { result, axis in
            guard result.isValid else { return result }
            let elements = (0..<size[axis]).map { place in
                let start = place * dilation[axis]
                return result.slice(
                    start..<start + (counts[axis] - 1) * stride[axis] + 1, axis: axis + 2, step: stride[axis])
            }
            return elements.dropFirst().reduce(elements[0], combine)
        }
    }
}
