/// The two-dimensional convolution (cross-correlation) of images [n, c, h, w] with a kernel [o, c, kh, kw]: [n, o, h',
/// w'].
///
/// The windows are cut out by strided slices and multiplied with the kernel in one matmul, so the gradient follows
/// from theirs.
public func convolution2D(
    _ x: Tensor, kernel: Tensor, stride: Int = 1, padding: Int = 0, file: String = #fileID, line: Int = #line
) -> Tensor {
    guard x.isValid, kernel.isValid else { return x.isValid ? kernel : x }
    let place = x.builder.location(file, line)
    guard x.rank == 4, kernel.rank == 4, x.shape[1] == kernel.shape[1], stride > 0, padding >= 0 else {
        return x.builder.report(
            GraphError(
                .shape, operation: "convolution2D",
                "takes images [n,c,h,w] and a kernel [o,c,kh,kw], has \(shapeText(x.shape)) and \(shapeText(kernel.shape)), stride \(stride), padding \(padding)",
                location: place))
    }
    let (height, width) = (kernel.shape[2], kernel.shape[3])
    let isPatchwise =
        padding == 0 && stride == height && stride == width && x.shape[2] % stride == 0 && x.shape[3] % stride == 0
    if isPatchwise {
        let rows = x.shape[2] / stride, columns = x.shape[3] / stride
        let patches = x.reshape([x.shape[0], x.shape[1], rows, stride, columns, stride])
        return dot(patches, kernel, contracting: [(1, 1), (3, 2), (5, 3)]).transpose([0, 3, 1, 2])
    }
    guard
        let windows = windows(
            x, height: height, width: width, stride: stride, padding: padding, operation: "convolution2D",
            location: place)
    else {
        return x.builder.invalid()
    }
    let stacked = concatenate(
        windows.map { $0.reshape([$0.shape[0], $0.shape[1], 1, $0.shape[2], $0.shape[3]]) }, axis: 2)
    let weights = kernel.reshape([kernel.shape[0], kernel.shape[1], height * width])
    return dot(weights, stacked, contracting: [(1, 1), (2, 2)]).transpose([1, 0, 2, 3])
}

/// The largest element of each window: [n, c, h, w] -> [n, c, h', w'].
public func maximumPooling2D(_ x: Tensor, size: Int, stride: Int, file: String = #fileID, line: Int = #line) -> Tensor {
    pooled(x, size: size, stride: stride, operation: "maximumPooling2D", location: x.builder.location(file, line)) {
        maximum($0, $1)
    }
}

/// The mean of each window: [n, c, h, w] -> [n, c, h', w'].
public func averagePooling2D(_ x: Tensor, size: Int, stride: Int, file: String = #fileID, line: Int = #line) -> Tensor {
    pooled(x, size: size, stride: stride, operation: "averagePooling2D", location: x.builder.location(file, line)) {
        $0 + $1
    } * (1 / (Double(size) * Double(size)))
}

private func pooled(
    _ x: Tensor, size: Int, stride: Int, operation: String, location: SourceLocation?,
    _ combine: (Tensor, Tensor) -> Tensor
) -> Tensor {
    guard x.isValid else { return x }
    guard
        let windows = windows(
            x, height: size, width: size, stride: stride, padding: 0, operation: operation, location: location)
    else {
        return x.builder.invalid()
    }
    return windows.dropFirst().reduce(windows[0], combine)
}

/// For each place in a window, the elements that all windows have there: height · width tensors [n, c, h', w'].
private func windows(
    _ x: Tensor, height: Int, width: Int, stride: Int, padding: Int, operation: String, location: SourceLocation?
) -> [Tensor]? {
    guard x.rank == 4, height > 0, width > 0, stride > 0, (0...largestElementCount).contains(padding),
        x.shape[2] + 2 * padding >= height, x.shape[3] + 2 * padding >= width
    else {
        x.builder.report(
            GraphError(
                .shape, operation: operation,
                "a window of \(height)x\(width) by \(stride) does not fit into \(shapeText(x.shape)) with padding \(padding)",
                location: location))
        return nil
    }
    let padded = x.padded(low: [0, 0, padding, padding], high: [0, 0, padding, padding])
    guard padded.isValid else { return nil }
    let rows = (padded.shape[2] - height) / stride, columns = (padded.shape[3] - width) / stride
    return (0..<height).flatMap { i in
        (0..<width).map { j in
            padded.slice(i..<i + rows * stride + 1, axis: 2, step: stride).slice(
                j..<j + columns * stride + 1, axis: 3, step: stride)
        }
    }
}
