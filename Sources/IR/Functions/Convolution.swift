/// The convolution (cross-correlation) of images [n, c, spatial...] with a kernel [o, c / groups, sizes...]: [n, o,
/// counts...], with (extent + 2 · padding − dilation · (size − 1) − 1) / stride + 1 places along each axis, as
/// PyTorch's `conv1d`, `conv2d` and `conv3d`.
///
/// See ``Convolve``; windows that lie side by side and cover the images are another shape of them, multiplied directly.
public func convolution(
    _ x: Tensor, kernel: Tensor, stride: any PerAxis = 1, padding: any PerAxis = 0, dilation: any PerAxis = 1,
    groups: Int = 1, file: String = #fileID, line: Int = #line
) -> Tensor {
    guard x.isValid, kernel.isValid else { return x.isValid ? kernel : x }
    let place = x.builder.location(file, line)
    guard x.rank > 2, kernel.rank == x.rank, groups > 0, x.shape[1] % groups == 0, kernel.shape[0] % groups == 0,
        kernel.shape[1] == x.shape[1] / groups
    else {
        return x.mistake(
            "convolution",
            "takes images [n,c,spatial...] and a kernel [o,c/groups,sizes...], has \(shapeText(x.shape)) and \(shapeText(kernel.shape)) in \(groups) groups",
            at: place)
    }
    guard
        let windows = SlidingWindows(
            over: x, size: Array(kernel.shape.dropFirst(2)), stride: stride, padding: padding, dilation: dilation,
            operation: "convolution", location: place)
    else { return x.builder.invalid() }
    if groups == 1, windows.tile(x), windows.size.contains(where: { $0 > 1 }) {
        // [n, c, rows, kh, columns, kw...]
        let tiles = x.reshape(
            Array(x.shape.prefix(2))
                + windows.size.indices.flatMap { [x.shape[$0 + 2] / windows.size[$0], windows.size[$0]] })
        let pairs = [(1, 1)] + windows.size.indices.map { (2 * $0 + 3, $0 + 2) }
        return x.within("convolution", at: place) { channelsSecond(dot(tiles, kernel, contracting: pairs)) }
    }
    let convolve = Convolve(
        stride: windows.stride, padding: windows.padding, dilation: windows.dilation, groups: groups)
    return x.within("convolution") { x.builder.add(convolve, [x, kernel], location: place) }
}

/// The transposed convolution of images [n, c, spatial...] with a kernel [c, o / groups, sizes...], the gradient of a
/// convolution with respect to its images: [n, o, counts...], with (extent − 1) · stride − 2 · padding + dilation ·
/// (size − 1) + outputPadding + 1 places along each axis, as PyTorch's `conv_transpose1d`, `2d` and `3d`.
public func transposedConvolution(
    _ x: Tensor, kernel: Tensor, stride: any PerAxis = 1, padding: any PerAxis = 0, outputPadding: any PerAxis = 0,
    dilation: any PerAxis = 1, groups: Int = 1, file: String = #fileID, line: Int = #line
) -> Tensor {
    guard x.isValid, kernel.isValid else { return x.isValid ? kernel : x }
    let place = x.builder.location(file, line), name = "transposedConvolution", axes = x.rank - 2
    guard axes > 0, kernel.rank == x.rank, groups > 0, x.shape[1] % groups == 0, kernel.shape[0] == x.shape[1] else {
        return x.mistake(
            name,
            "takes images [n,c,spatial...] and a kernel [c,o/groups,sizes...], has \(shapeText(x.shape)) and \(shapeText(kernel.shape)) in \(groups) groups",
            at: place)
    }
    let size = Array(kernel.shape.dropFirst(2))
    guard let stride = stride.values(axes: axes), let padding = padding.values(axes: axes),
        let dilation = dilation.values(axes: axes), let added = outputPadding.values(axes: axes),
        (stride + dilation).allSatisfy({ 1...largestElementCount ~= $0 }),
        (padding + added).allSatisfy({ 0...largestElementCount ~= $0 }),
        (0..<axes).allSatisfy({ added[$0] < max(stride[$0], dilation[$0]) })
    else {
        return x.mistake(
            name,
            "stride \(perAxisText(stride)), padding \(perAxisText(padding)), output padding \(perAxisText(outputPadding)) and dilation \(perAxisText(dilation)) do not fit \(axes) spatial axes; the output padding is below stride or dilation",
            .attribute, at: place)
    }
    if groups == 1, size == stride, (padding + added + dilation.map { $0 - 1 }).allSatisfy({ $0 == 0 }) {
        // Results of neighbours do not overlap: [n, spatial..., o, sizes...], whose axes are only brought into order.
        let order = [0, axes + 1] + (0..<axes).flatMap { [$0 + 1, $0 + axes + 2] }
        return x.within(name, at: place) {
            dot(x, kernel, contracting: [(1, 0)]).transpose(order).reshape(
                [x.shape[0], kernel.shape[1]] + (0..<axes).map { x.shape[$0 + 2] * size[$0] })
        }
    }
    let places = size.reduce(1) { min($0 * $1, SlidingWindows.mostPlaces + 1) }
    let extents = (0..<axes).compactMap { axis -> Int? in
        let (reach, isTooFar) = (size[axis] - 1).multipliedReportingOverflow(by: dilation[axis])
        let (spread, isTooLong) = (x.shape[axis + 2] - 1).multipliedReportingOverflow(by: stride[axis])
        guard !isTooFar, !isTooLong, max(reach, spread) <= largestElementCount else { return nil }
        let extent = spread - 2 * padding[axis] + reach + added[axis] + 1
        return extent > 0 ? extent : nil
    }
    guard extents.count == axes, places <= SlidingWindows.mostPlaces else {
        return x.mistake(
            name,
            "a kernel of \(perAxisText(size)) by stride \(perAxisText(stride)) with padding \(perAxisText(padding)) and dilation \(perAxisText(dilation)) leaves nothing of \(shapeText(x.shape)), or is too large",
            at: place)
    }
    return x.within(name, at: place) {
        Convolve(stride: stride, padding: padding, dilation: dilation, groups: groups)
            .images(x, kernel, extents: extents)
    }
}

/// [n, ..., o] as [n, o, ...].
private func channelsSecond(_ x: Tensor) -> Tensor {
    x.isValid ? x.transpose([0, x.rank - 1] + Array(1..<x.rank - 1)) : x
}
