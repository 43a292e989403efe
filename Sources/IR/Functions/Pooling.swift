/// The largest element of each window: [n, c, spatial...] -> [n, c, counts...], as PyTorch's `max_pool1d`, `2d` and
/// `3d`: outside of the images there is nothing, the gradient goes to the first of equal elements, NaN is the largest.
///
/// - Parameters:
///   - stride: Distance of the windows; their size if nil.
///   - ceilMode: Whether a last window may run over the end of the images and their padding, if it begins before the
///     padding there.
public func maximumPooling(
    _ x: Tensor, size: any PerAxis, stride: (any PerAxis)? = nil, padding: any PerAxis = 0, dilation: any PerAxis = 1,
    ceilMode: Bool = false, file: String = #fileID, line: Int = #line
) -> Tensor {
    guard x.isValid else { return x }
    let place = x.builder.location(file, line), name = "maximumPooling"
    guard
        let windows = poolingWindows(
            x, size: size, stride: stride ?? size, padding: padding, dilation: dilation, ceilMode: ceilMode,
            operation: name, location: place)
    else { return x.builder.invalid() }
    let most = MaximumPool.mostPlaces
    guard [windows.size, windows.stride].allSatisfy({ $0.reduce(1) { min($0 * $1, most + 1) } <= most }) else {
        // Large windows are folded along one axis after the other, and so is their gradient.
        return x.within(name, at: place) {
            windows.folded(x, padding: -.infinity) { MaximumPool.larger(of: $0, $1, $0, $1) }
        }
    }
    let pool = MaximumPool(
        size: windows.size, stride: windows.stride, padding: windows.padding, paddingAfter: windows.paddingAfter,
        dilation: windows.dilation)
    return x.within(name) { x.builder.add(pool, [x], location: place) }
}

/// The mean of each window: [n, c, spatial...] -> [n, c, counts...], as PyTorch's `avg_pool1d`, `2d` and `3d`.
///
/// - Parameters:
///   - stride: Distance of the windows; their size if nil.
///   - countsPadding: Whether the zeros around the images count as elements.
///   - ceilMode: Whether a last window may run over the end of the images and their padding, if it begins before the
///     padding there. What lies beyond the padding never counts as elements.
public func averagePooling(
    _ x: Tensor, size: any PerAxis, stride: (any PerAxis)? = nil, padding: any PerAxis = 0, countsPadding: Bool = true,
    ceilMode: Bool = false, file: String = #fileID, line: Int = #line
) -> Tensor {
    guard x.isValid else { return x }
    let place = x.builder.location(file, line), name = "averagePooling"
    guard
        let windows = poolingWindows(
            x, size: size, stride: stride ?? size, padding: padding, dilation: 1, ceilMode: ceilMode, operation: name,
            location: place)
    else { return x.builder.invalid() }
    let total = x.within(name, at: place) { windows.folded(x, +) }
    guard total.isValid else { return total }
    // Elements that count, along each axis: those of the images, or those of the padding too.
    let counted = windows.size.indices.map { axis in
        let extent = x.shape[axis + 2], padding = windows.padding[axis]
        return countsPadding ? -padding..<extent + padding : 0..<extent
    }
    let counts = windows.counts(over: x)
    let isWhole = counts.enumerated().allSatisfy { axis, count in
        let start = -windows.padding[axis], end = start + (count - 1) * windows.stride[axis] + windows.size[axis]
        return counted[axis].lowerBound <= start && end <= counted[axis].upperBound
    }
    guard !isWhole else {
        return total * (1 / Double(windows.size.reduce(1, *)))
    }
    // The number of elements in a window is the product of those along each axis.
    return counts.enumerated().reduce(total) { result, entry in
        let (axis, count) = entry
        let shares = (0..<count).map { window -> Double in
            let start = window * windows.stride[axis] - windows.padding[axis]
            return 1 / Double((start..<start + windows.size[axis]).clamped(to: counted[axis]).count)
        }
        let factors = x.builder.add(Constant(TensorType(x.element, [count]), values: shares), [])
        return result * factors.reshape([count] + windows.size[(axis + 1)...].map { _ in 1 })
    }
}

private func poolingWindows(
    _ x: Tensor, size: any PerAxis, stride: any PerAxis, padding: any PerAxis, dilation: any PerAxis,
    ceilMode: Bool, operation: String, location: SourceLocation?
) -> SlidingWindows? {
    guard
        let windows = SlidingWindows(
            over: x, size: size, stride: stride, padding: padding, dilation: dilation, ceilMode: ceilMode,
            operation: operation, location: location)
    else { return nil }
    guard zip(windows.padding, windows.size).allSatisfy({ 2 * $0 <= $1 }) else {
        _ = x.mistake(
            operation,
            "the padding \(perAxisText(padding)) is more than half of the window \(perAxisText(size)), so that windows would be empty",
            .attribute, at: location)
        return nil
    }
    return windows
}

/// The mean of windows that share the spatial axes out into `size` parts, as PyTorch's `adaptive_avg_pool1d`, `2d` and
/// `3d`: [n, c, spatial...] -> [n, c, size...].
public func adaptiveAveragePooling(_ x: Tensor, size: any PerAxis, file: String = #fileID, line: Int = #line) -> Tensor
{
    let place = x.builder.location(file, line)
    guard let size = adaptiveSize(x, size, operation: "adaptiveAveragePooling", location: place) else {
        return x.isValid ? x.builder.invalid() : x
    }
    if size.allSatisfy({ $0 == 1 }) { return mean(x, axes: Array(2..<x.rank), keepAxes: true) }
    if let tiles = tileSize(x, size) { return averagePooling(x, size: tiles, file: file, line: line) }
    return size.enumerated().reduce(x) { result, entry in
        result.builder.add(
            Interpolation(axis: entry.offset + 2, size: entry.element, rule: .average), [result], location: place)
    }
}

/// The largest element of windows that share the spatial axes out into `size` parts, as PyTorch's
/// `adaptive_max_pool1d`, `2d` and `3d`: [n, c, spatial...] -> [n, c, size...].
public func adaptiveMaximumPooling(_ x: Tensor, size: any PerAxis, file: String = #fileID, line: Int = #line) -> Tensor
{
    let place = x.builder.location(file, line)
    guard let size = adaptiveSize(x, size, operation: "adaptiveMaximumPooling", location: place) else {
        return x.isValid ? x.builder.invalid() : x
    }
    if let tiles = tileSize(x, size) { return maximumPooling(x, size: tiles, file: file, line: line) }
    // Along one axis after the other, the last first: of equal elements the first in row-major order is left.
    return size.enumerated().reversed().reduce(x) { result, entry in
        let axis = entry.offset + 2
        let parts = (0..<entry.element).map { number -> Tensor in
            let range = Interpolation.part(number, of: entry.element, extent: x.shape[axis])
            let elements = range.map { result.slice($0..<$0 + 1, axis: axis) }
            return elements.dropFirst().reduce(elements[0]) { MaximumPool.larger(of: $0, $1, $0, $1) }
        }
        return concatenate(parts, axis: axis)
    }
}

private func adaptiveSize(_ x: Tensor, _ size: any PerAxis, operation: String, location: SourceLocation?) -> [Int]? {
    guard x.isValid else { return nil }
    guard x.rank > 2, let sizes = size.values(axes: x.rank - 2), sizes.allSatisfy({ 1...RowMixing.largest ~= $0 })
    else {
        _ = x.mistake(
            operation,
            "takes [n,c,spatial...] and a size from 1 to \(RowMixing.largest) for each spatial axis, has \(shapeText(x.shape)) and \(perAxisText(size))",
            at: location)
        return nil
    }
    return sizes
}

/// The size of windows that share x out evenly, if there are such.
private func tileSize(_ x: Tensor, _ size: [Int]) -> [Int]? {
    let isEven = size.enumerated().allSatisfy { x.shape[$0.offset + 2] % $0.element == 0 }
    return isEven ? size.enumerated().map { x.shape[$0.offset + 2] / $0.element } : nil
}
