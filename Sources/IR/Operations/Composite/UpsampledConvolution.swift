/// The convolution (cross-correlation) of enlarged images: bilinear interpolation with aligned corners to [height,
/// width], then a kernel of odd sides with as much zero padding as keeps that size. Where the size is that of the
/// images, a plain convolution.
///
/// Operands: x [n, h, w, c] and kernel [o, c, kh, kw], channels last in images, in PyTorch's order in the kernel; the
/// result is [n, height, width, o].
///
/// Interpolation acts on places and the kernel on channels too; both are linear. So channels are mixed first, for each
/// place of the kernel, on the small images, where it takes a fraction of the products; what is interpolated, shifted
/// and added up are the results. Neither enlarged images nor windows of them are ever stored.
public struct UpsampledConvolution: CompositeOperation, DifferentiableOperation {
    public static let name = "upsampled_convolution"
    public static let kind = OperationKind.composite(.other)
    /// The size of the enlarged image, and of the result.
    public var height: Int, width: Int

    /// The convolution of images enlarged to a size.
    public init(height: Int, width: Int) {
        self.height = height
        self.width = width
    }

    public var attributes: Attributes { [("height", .integer(height)), ("width", .integer(width))] }
    public init(attributes: Attributes, type: TensorType) throws(GraphError) {
        height = try attributes.integer("height")
        width = try attributes.integer("width")
    }

    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        try expect(operands, count: 2)
        let (x, kernel) = (operands[0], operands[1])
        try expectFloat(x)
        guard x.element == kernel.element else { throw error(.elementType, "element types differ: \(x) and \(kernel)") }
        guard x.rank == 4, kernel.rank == 4, x.shape[3] == kernel.shape[1], kernel.shape[2] % 2 == 1,
            kernel.shape[3] % 2 == 1
        else {
            throw error(
                .shape,
                "takes images [n,h,w,c] and a kernel [o,c,kh,kw] of odd sides, has \(shapeText(x.shape)) and \(shapeText(kernel.shape))"
            )
        }
        guard 1...RowMixing.largest ~= height, 1...RowMixing.largest ~= width else {
            throw error(.attribute, "the size \(height)x\(width) is not from 1 to \(RowMixing.largest)")
        }
        return x.with(shape: [x.shape[0], height, width, kernel.shape[0]])
    }

    public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
        func interpolated(_ x: HostTensor, _ axis: Int, _ size: Int) -> HostTensor {
            var shape = x.shape
            shape[axis] = size
            return Interpolation(axis: axis, size: size, rule: .alignedCorners).evaluate(
                [x], type: x.type.with(shape: shape))
        }
        let x = interpolated(interpolated(operands[0], 1, height), 2, width), kernel = operands[1]
        var result = HostTensor(type)
        forEachIndex(type.shape) { index, place in
            forEachIndex(Array(kernel.shape.dropFirst())) { tap, _ in
                let row = index[1] + tap[1] - kernel.shape[2] / 2, column = index[2] + tap[2] - kernel.shape[3] / 2
                guard 0..<height ~= row, 0..<width ~= column else { return }
                result.values[place] +=
                    x.values[position([index[0], row, column, tap[0]], x.strides)]
                    * kernel.values[position([index[3]] + tap, kernel.strides)]
            }
        }
        return result
    }

    /// What each place of the kernel along an axis takes from the small images.
    private func taps(_ count: Int, from extent: Int, to size: Int) -> [RowMixing] {
        let rows = RowMixing.interpolation(from: extent, to: size, .alignedCorners)
        return (0..<count).map { rows.shifted(by: $0 - count / 2) }
    }

    /// The kernel with its output channels before its input channels, and its places before both: [kw, kh, o, c].
    private func ordered(_ kernel: Tensor) -> Tensor { kernel.transpose([3, 2, 0, 1]) }

    public func decompose(_ operands: [Tensor]) -> Tensor {
        let (x, kernel) = (operands[0], operands[1]), n = x.shape[0], (h, o) = (x.shape[1], kernel.shape[0]),
            (kh, kw) = (kernel.shape[2], kernel.shape[3])
        let products = dot(x, ordered(kernel), contracting: [(3, 3)])  // [n, h, w, kw, kh, o]
        let columns = sum(taps(kw, from: x.shape[2], to: width), of: products.transpose([2, 0, 1, 3, 4, 5]), axis: 3)
        let wide = columns.transpose([1, 2, 0, 3, 4, 5]).reshape([n, h, width, kh, o]).copied()
        let rows = sum(taps(kh, from: h, to: height), of: wide.transpose([1, 0, 2, 3, 4]), axis: 3)
        return rows.transpose([1, 0, 2, 3, 4]).reshape([n, height, width, o]).copied()
    }

    /// Σ over an axis of rows that are mixed, for each of its places by another mixing; the axis stays with extent 1.
    private func sum(_ mixings: [RowMixing], of x: Tensor, axis: Int) -> Tensor {
        let parts = mixings.enumerated().map { number, mixing in x.slice(number..<number + 1, axis: axis).mixed(mixing)
        }
        return parts.dropFirst().reduce(parts[0]) { $0 + $1 }
    }

    public func gradient(_ context: GradientContext) -> [Tensor?] {
        let (x, kernel) = (context.operands[0], context.operands[1]), (h, w) = (x.shape[1], x.shape[2])
        let rows = RowMixing.transposed(taps(kernel.shape[2], from: h, to: height), rows: h)
        let wide = context.seed.transpose([1, 0, 2, 3]).mixed(rows)  // [h, kh, n, width, o]
            .transpose([2, 0, 3, 1, 4]).copied()
        let columns = RowMixing.transposed(taps(kernel.shape[3], from: w, to: width), rows: w)
        let products = wide.transpose([2, 0, 1, 3, 4]).mixed(columns)  // [w, kw, n, h, kh, o]
            .transpose([2, 3, 0, 1, 4, 5]).copied()
        let weights = dot(x, products, contracting: [(0, 0), (1, 1), (2, 2)])  // [c, kw, kh, o]
        return [
            dot(products, ordered(kernel), contracting: [(3, 0), (4, 1), (5, 2)]), weights.transpose([3, 0, 2, 1]),
        ]
    }
}

/// Enlarges images [n, h, w, c] to [n, height, width, c] by bilinear interpolation with aligned corners, then convolves
/// them with a kernel [o, c, kh, kw] of odd sides, padded by zeros to the same size: [n, height, width, o]. Without a
/// size, images stay as large as they are.
public func upsampledConvolution2D(
    _ x: Tensor, kernel: Tensor, height: Int? = nil, width: Int? = nil, file: String = #fileID, line: Int = #line
) -> Tensor {
    guard x.isValid else { return x }
    let (h, w) = x.rank == 4 ? (x.shape[1], x.shape[2]) : (1, 1)
    return x.builder.add(
        UpsampledConvolution(height: height ?? h, width: width ?? w), [x, kernel],
        location: x.builder.location(file, line))
}
