/// The convolution (cross-correlation) of images [n, c, spatial...] with a kernel [o, c / groups, sizes...]: [n, o,
/// counts...], with (extent + 2 · padding − dilation · (size − 1) − 1) / stride + 1 places along each axis, as PyTorch's
/// `conv1d`, `conv2d` and `conv3d`.
///
/// The windows are cut out by strided slices and multiplied with the kernel in one matmul, so the gradient follows
/// from theirs.
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
    if groups == 1, windows.tile(x) {
        // [n, c, rows, kh, columns, kw...]
        let tiles = x.reshape(
            Array(x.shape.prefix(2))
                + windows.size.indices.flatMap { [x.shape[$0 + 2] / windows.size[$0], windows.size[$0]] })
        let pairs = [(1, 1)] + windows.size.indices.map { (2 * $0 + 3, $0 + 2) }
        return channelsSecond(dot(tiles, kernel, contracting: pairs))
    }
    let slices = windows.slices(of: x, location: place)
    guard !slices.isEmpty else { return x.builder.invalid() }
    if groups == x.shape[1], kernel.shape[0] == groups {
        let weights = kernel.reshape([groups, slices.count])
        let channels = [groups] + windows.size.map { _ in 1 }
        let products = slices.enumerated().map { number, slice in
            slice * weights.slice(number..<number + 1, axis: 1).reshape(channels)
        }
        return products.dropFirst().reduce(products[0], +)
    }
    return grouped(
        windows.stacked(slices), kernel.reshape(Array(kernel.shape.prefix(2)) + [slices.count]), groups: groups)
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
        let tiles = dot(x, kernel, contracting: [(1, 0)])
        let order = [0, axes + 1] + (0..<axes).flatMap { [$0 + 1, $0 + axes + 2] }
        return tiles.transpose(order).reshape(
            [x.shape[0], kernel.shape[1]] + (0..<axes).map { x.shape[$0 + 2] * size[$0] })
    }
    // The windows of the images with zeros between them, whose places are those of the kernel in reverse.
    let reach = (0..<axes).map { (size[$0] - 1).multipliedReportingOverflow(by: dilation[$0]) }
    guard reach.allSatisfy({ !$0.overflow && $0.partialValue <= largestElementCount }) else {
        return x.mistake(name, "a kernel of \(shapeText(size)) is too large", at: place)
    }
    let low = (0..<axes).map { reach[$0].partialValue - padding[$0] }, high = (0..<axes).map { low[$0] + added[$0] }
    var spread = x.padded(
        low: [0, 0] + low.map { max($0, 0) }, high: [0, 0] + high.map { max($0, 0) },
        interior: [0, 0] + stride.map { $0 - 1 })
    for axis in 0..<axes where spread.isValid && (low[axis] < 0 || high[axis] < 0) {
        let range = max(-low[axis], 0)..<max(spread.shape[axis + 2] - max(-high[axis], 0), max(-low[axis], 0))
        spread = spread.slice(range, axis: axis + 2)
    }
    guard spread.isValid,
        let windows = SlidingWindows(
            over: spread, size: size, stride: 1, padding: 0, dilation: dilation, operation: name, location: place)
    else { return x.builder.invalid() }
    let slices = Array(windows.slices(of: spread, location: place).reversed())
    let weights = kernel.reshape([groups, x.shape[1] / groups, kernel.shape[1], slices.count])
        .transpose([0, 2, 1, 3]).reshape([groups * kernel.shape[1], x.shape[1] / groups, slices.count])
    return grouped(windows.stacked(slices), weights, groups: groups)
}

/// Products of windows [n, c, k, counts...] and weights [o, c / groups, k], group by group: [n, o, counts...].
private func grouped(_ windows: Tensor, _ weights: Tensor, groups: Int) -> Tensor {
    if groups == 1 {
        let product = dot(weights, windows, contracting: [(1, 1), (2, 2)])  // [o, n, counts...]
        return product.isValid ? product.transpose([1, 0] + Array(2..<product.rank)) : product
    }
    let (n, c) = (windows.shape[0], windows.shape[1]), o = weights.shape[0]
    let split = windows.reshape([n, groups, c / groups] + windows.shape.dropFirst(2))
    let product = dot(
        weights.reshape([groups, o / groups] + weights.shape.dropFirst()), split, batch: [(0, 1)],
        contracting: [(2, 2), (3, 3)])  // [groups, o / groups, n, counts...]
    let counts = Array(product.shape.dropFirst(3))
    return product.transpose([2, 0, 1] + Array(3..<product.rank)).reshape([n, o] + counts)
}

/// [n, ..., o] as [n, o, ...].
private func channelsSecond(_ x: Tensor) -> Tensor {
    x.isValid ? x.transpose([0, x.rank - 1] + Array(1..<x.rank - 1)) : x
}
