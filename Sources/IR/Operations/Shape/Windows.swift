/// Windows that slide over the last axes of a tensor, side by side: x [outer..., extents...] becomes
/// [outer..., size..., counts...], where element (p, w) along an axis is the one at w · stride + p · dilation; or,
/// where windows are read from their ends, at w · stride + (size − 1 − p) · dilation.
///
/// Windows overlap: nothing is computed, and what multiplies them reads x itself.
public struct Windows: Operation, DifferentiableOperation {
    public static let name = "windows"
    public static let kind = OperationKind.repetition
    /// For each of the last axes.
    public var size: [Int], stride: [Int], dilation: [Int]
    /// Whether each window is read from its end, as the taps of a transposed convolution are.
    public var isReversed: Bool

    /// Windows with a number for each of the last axes.
    public init(size: [Int], stride: [Int], dilation: [Int], isReversed: Bool = false) {
        self.isReversed = isReversed
        self.size = size
        self.stride = stride
        self.dilation = dilation
    }

    public var attributes: Attributes {
        [
            ("size", .integers(size)), ("stride", .integers(stride)), ("dilation", .integers(dilation)),
            ("reversed", .flag(isReversed)),
        ]
    }
    public init(attributes: Attributes, type: TensorType) throws(GraphError) {
        size = try attributes.integers("size")
        stride = try attributes.integers("stride")
        dilation = try attributes.integers("dilation")
        isReversed = try attributes.flag("reversed")
    }

    /// The distance of neighbours in a window along each axis, and where the first element of the first window lies.
    package var steps: [Int] { isReversed ? dilation.map { -$0 } : dilation }
    package var starts: [Int] { zip(size, dilation).map { isReversed ? ($0 - 1) * $1 : 0 } }

    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        try expect(operands, count: 1)
        let shape = operands[0].shape, outer = shape.count - size.count
        guard !size.isEmpty, outer >= 0, stride.count == size.count, dilation.count == size.count else {
            throw error(
                .attribute,
                "windows of \(shapeText(size)) by \(shapeText(stride)) with dilation \(shapeText(dilation)) do not slide over \(shapeText(shape))"
            )
        }
        var counts: [Int] = []
        for (axis, extent) in shape.dropFirst(outer).enumerated() {
            let numbers = [size[axis], stride[axis], dilation[axis]]
            guard numbers.allSatisfy({ 1...largestElementCount ~= $0 }) else {
                throw error(
                    .attribute, "size \(numbers[0]), stride \(numbers[1]), dilation \(numbers[2]) are not positive")
            }
            let (reach, isTooLarge) = (size[axis] - 1).multipliedReportingOverflow(by: dilation[axis])
            guard !isTooLarge, reach < extent else {
                throw error(
                    .shape, "a window of \(size[axis]) by dilation \(dilation[axis]) does not fit into \(extent)")
            }
            counts.append((extent - reach - 1) / stride[axis] + 1)
        }
        return operands[0].with(shape: shape.prefix(outer) + size + counts)
    }

    public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
        var result = HostTensor(type)
        let x = operands[0], outer = x.shape.count - size.count, inner = Array(x.strides.dropFirst(outer))
        let strides =
            x.strides.prefix(outer) + zip(inner, steps).map { $0 * $1 } + zip(inner, stride).map { $0 * $1 }
        let start = position(starts, inner)
        forEachIndex(type.shape) { index, place in
            result.values[place] = x.values[start + position(index, Array(strides))]
        }
        return result
    }

    /// What each place of the windows got goes back to where it came from.
    public func gradient(_ context: GradientContext) -> [Tensor?] {
        let x = context.operands[0], seed = context.seed, outer = x.rank - size.count
        let counts = Array(seed.shape.dropFirst(outer + size.count))
        var parts: [Tensor] = []
        forEachIndex(size) { place, _ in
            let none = [Int](repeating: 0, count: outer), starts = none + place + counts.map { _ in 0 }
            let limits = seed.shape.prefix(outer) + place.map { $0 + 1 } + counts
            let part = seed.builder.add(
                Slice(starts: starts, limits: Array(limits), steps: seed.shape.map { _ in 1 }), [seed])
            let low = place.indices.map { self.starts[$0] + place[$0] * steps[$0] }
            let high = place.indices.map { x.shape[outer + $0] - low[$0] - (counts[$0] - 1) * stride[$0] - 1 }
            parts.append(
                part.reshape(seed.shape.prefix(outer) + counts).padded(
                    low: none + low, high: none + high, interior: none + stride.map { $0 - 1 }))
        }
        return [parts.dropFirst().reduce(parts[0], +)]
    }
}
