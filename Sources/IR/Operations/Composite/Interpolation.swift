/// Linear interpolation along one axis to another extent, with aligned corners: the first and the last element stay
/// what they are, and element i of the result lies at i · (n − 1) / (size − 1) among those of the operand.
public struct LinearInterpolation: CompositeOperation, DifferentiableOperation {
    public static let name = "interpolate"
    public static let kind = OperationKind.composite(.other)
    public var axis: Int
    /// Extent of the result along the axis.
    public var size: Int

    public init(axis: Int, size: Int) {
        self.axis = axis
        self.size = size
    }

    public var attributes: Attributes { [("axis", .integer(axis)), ("size", .integer(size))] }
    public init(attributes: Attributes, type: TensorType) throws(GraphError) {
        axis = try attributes.integer("axis")
        size = try attributes.integer("size")
    }

    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        try expect(operands, count: 1)
        try expectFloat(operands[0])
        try expect(axis: axis, rank: operands[0].rank)
        guard 1...RowMixing.largest ~= size else {
            throw error(.attribute, "the size \(size) is not from 1 to \(RowMixing.largest)")
        }
        var shape = operands[0].shape
        shape[axis] = size
        return operands[0].with(shape: shape)
    }

    public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
        let x = operands[0], count = x.shape[axis]
        let step = size > 1 ? Double(count - 1) / Double(size - 1) : 0
        var result = HostTensor(type)
        forEachIndex(type.shape) { index, place in
            let position = min(Double(index[axis]) * step, Double(count - 1)), lower = Int(position)
            func element(_ row: Int) -> Double {
                var index = index
                index[axis] = min(row, count - 1)
                return x.values[ApusIR.position(index, x.strides)]
            }
            let share = position - Double(lower)
            result.values[place] = (1 - share) * element(lower) + share * element(lower + 1)
        }
        return result
    }

    public func decompose(_ operands: [Tensor]) -> Tensor {
        along(operands[0]) { $0.mixed(.interpolation(from: operands[0].shape[axis], to: size)) }
    }

    public func gradient(_ context: GradientContext) -> [Tensor?] {
        let count = context.operands[0].shape[axis]
        return [
            along(context.seed) { $0.mixed(RowMixing.interpolation(from: count, to: size).transposed(rows: count)) }
        ]
    }

    /// Applies a function of rows to a tensor whose rows go along the axis.
    private func along(_ x: Tensor, _ function: (Tensor) -> Tensor) -> Tensor {
        let others = x.shape.indices.filter { $0 != axis }
        return function(x.transpose([axis] + others)).transpose(Transpose([axis] + others).inverse).copied()
    }
}

/// Images [n, c, h, w] resized to [n, c, height, width] by bilinear interpolation with aligned corners, as PyTorch's
/// `interpolate` with `align_corners=True`.
public func bilinearResized2D(_ x: Tensor, height: Int, width: Int, file: String = #fileID, line: Int = #line) -> Tensor
{
    guard x.isValid else { return x }
    let place = x.builder.location(file, line)
    guard x.rank == 4 else {
        return x.builder.report(
            GraphError(
                .shape, operation: "bilinearResized2D", "takes images [n,c,h,w], has \(shapeText(x.shape))",
                location: place))
    }
    let rows = x.builder.add(LinearInterpolation(axis: 2, size: height), [x], location: place)
    return x.builder.add(LinearInterpolation(axis: 3, size: width), [rows], location: place)
}
