import ApusIR

/// An operation with operands that it accepts.
struct ExportSample: CustomStringConvertible, Sendable {
    let operation: any Operation
    let operands: [TensorType]
    /// Operators of ONNX that it is said by, at least.
    let operators: Set<String>
    /// Whether its operands are above 0.
    let isPositive: Bool
    var description: String { "\(operation.name) \(operands)" }

    init(_ operation: any Operation, _ operands: [TensorType], _ operators: Set<String>, isPositive: Bool = false) {
        (self.operation, self.operands, self.operators, self.isPositive) = (operation, operands, operators, isPositive)
    }

    func graph() throws -> Graph {
        let builder = GraphBuilder(name: "sample")
        builder.location = SourceLocation(file: "Sample.swift", line: 7, path: "layer")
        let inputs = operands.enumerated().map { builder.input(Input("x\($0)", $1)) }
        builder.output("y", builder.add(operation, inputs))
        return try builder.finish()
    }
}

private func f32(_ shape: Int...) -> TensorType { TensorType(.f32, shape) }
private func i32(_ shape: Int...) -> TensorType { TensorType(.i32, shape) }
private func bool(_ shape: Int...) -> TensorType { TensorType(.bool, shape) }

/// Every operation that ONNX can say, once at least.
let exportSamples: [ExportSample] =
    [
        ExportSample(Constant(f32(2, 2), splat: 0.5), [], ["Expand"]),
        ExportSample(Constant(i32(3), values: [1, -2, 2_147_483_647]), [], ["Identity"]),
        ExportSample(Constant(bool(2), values: [0, 1]), [], ["Identity"]),
        ExportSample(Iota(i32(2, 5), axis: 1), [], ["Expand"]),
        ExportSample(Iota(f32(4), axis: 0), [], ["Identity"]),
        ExportSample(Negate(), [i32(3)], ["Neg"]), ExportSample(Absolute(), [f32(3)], ["Abs"]),
        ExportSample(Exp(), [f32(3)], ["Exp"]), ExportSample(Log(), [f32(3)], ["Log"], isPositive: true),
        ExportSample(Sqrt(), [f32(3)], ["Sqrt"], isPositive: true), ExportSample(Tanh(), [f32(3)], ["Tanh"]),
        ExportSample(Erf(), [f32(3)], ["Erf"]), ExportSample(Sin(), [f32(3)], ["Sin"]),
        ExportSample(Cos(), [f32(3)], ["Cos"]), ExportSample(Floor(), [f32(9)], ["Floor"]),
        ExportSample(Add(), [f32(2, 1), f32(2, 1)], ["Add"]), ExportSample(Subtract(), [i32(), i32()], ["Sub"]),
        ExportSample(Multiply(), [f32(3), f32(3)], ["Mul"]), ExportSample(Divide(), [f32(3), f32(3)], ["Div"]),
        ExportSample(Maximum(), [f32(3), f32(3)], ["Max"]), ExportSample(Minimum(), [i32(3), i32(3)], ["Min"]),
        ExportSample(Power(), [f32(3), f32(3)], ["Pow"], isPositive: true),
        ExportSample(Select(), [bool(5), i32(5), i32(5)], ["Where"]),
        ExportSample(Cast(.i32), [f32(5)], ["Cast"]), ExportSample(Cast(.f32), [bool(5)], ["Cast"]),
        ExportSample(Reshape([3, 2, 1]), [f32(6)], ["Reshape"]), ExportSample(Reshape([]), [f32(1, 1)], ["Reshape"]),
        ExportSample(Transpose([2, 0, 1]), [f32(2, 3, 4)], ["Transpose"]),
        ExportSample(Broadcast(shape: [2, 3, 4], axes: [0, 2]), [f32(2, 1)], ["Reshape", "Expand"]),
        ExportSample(Broadcast(shape: [7], axes: []), [bool()], ["Expand"]),
        ExportSample(Slice(starts: [1, 0], limits: [4, 5], steps: [2, 3]), [f32(4, 5)], ["Slice"]),
        ExportSample(Windows(size: [2], stride: [3], dilation: [2]), [f32(2, 9)], ["Gather"]),
        ExportSample(
            Windows(size: [3, 2], stride: [1, 2], dilation: [1, 1], isReversed: true), [f32(4, 3, 5)],
            ["Gather", "Transpose"]),
        ExportSample(Pad(low: [1, 0], high: [2, 3], interior: [0, 0]), [f32(2, 3)], ["Pad"]),
        ExportSample(Pad(low: [1, 0], high: [2, 0], interior: [1, 2]), [f32(2, 3)], ["Pad", "Slice"]),
        ExportSample(OptimizationBarrier(), [f32(2, 3), f32(4)], ["Identity"]),
        ExportSample(Concatenate(axis: 1), [f32(2, 1), f32(2, 3), f32(2, 1)], ["Concat"]),
        ExportSample(Copy(), [bool(2, 3)], ["Identity"]),
        ExportSample(Reduce(.sum, axes: [0, 2]), [f32(2, 3, 4)], ["ReduceSum"]),
        ExportSample(Reduce(.maximum, axes: [0]), [i32(2)], ["ReduceMax"]),
        ExportSample(Reduce(.minimum, axes: [1]), [f32(2, 3)], ["ReduceMin"]),
        ExportSample(Dot(leftContracting: [1], rightContracting: [0]), [f32(2, 3), f32(3, 4)], ["Gemm"]),
        ExportSample(Dot(leftContracting: [0], rightContracting: [1]), [f32(3, 2), f32(4, 3)], ["Gemm"]),
        ExportSample(Dot(leftContracting: [2], rightContracting: [1]), [f32(2, 5, 3), f32(4, 3)], ["MatMul"]),
        ExportSample(
            Dot(leftBatch: [2, 0], rightBatch: [0, 1], leftContracting: [3], rightContracting: [3]),
            [f32(2, 5, 4, 3), f32(4, 2, 6, 3)], ["MatMul"]),
        ExportSample(
            Dot(leftContracting: [1, 3], rightContracting: [2, 0]), [f32(2, 3, 5, 4), f32(4, 2, 3)],
            ["MatMul", "Reshape"]),
        ExportSample(Dot(leftContracting: [], rightContracting: []), [f32(2), f32(3)], ["MatMul"]),
        ExportSample(Gather(batch: 1), [f32(2, 7, 3), i32(2, 4)], ["GatherND"]),
        ExportSample(Gather(batch: 0), [f32(7, 2), i32(3, 2)], ["Gather"]),
        ExportSample(ScatterAdd(batch: 1, rows: 7), [i32(2, 4), f32(2, 4, 3)], ["ScatterND"]),
        ExportSample(ScatterAdd(batch: 0, rows: 5), [i32(6), f32(6, 3)], ["ScatterND"]),
        ExportSample(ArgSort(), [f32(2, 5)], ["TopK"]),
        ExportSample(Softmax(), [f32(2, 3)], ["Softmax"]),
        ExportSample(Softmax(isSafe: true), [f32(2, 3)], ["Exp", "ReduceSum"]),
        ExportSample(LogSoftmax(), [f32(3)], ["LogSoftmax"]),
        ExportSample(LayerNormalization(epsilon: 1e-5), [f32(2, 3), f32(3), f32(3)], ["LayerNormalization"]),
        ExportSample(
            BatchNormalization(axis: 1, epsilon: 1e-5), [f32(2, 3, 4), f32(3), f32(3)], ["ReduceSum", "Sqrt"]),
        ExportSample(Interpolation(axis: 1, size: 5, rule: .alignedCorners), [f32(2, 3, 4)], ["Resize"]),
        ExportSample(Interpolation(axis: 0, size: 5, rule: .pixelCentres), [f32(3, 2)], ["Resize"]),
        ExportSample(Interpolation(axis: 1, size: 6, rule: .nearest), [f32(2, 3)], ["Resize"]),
        ExportSample(Interpolation(axis: 0, size: 5, rule: .nearest), [f32(2, 3)], ["Gather"]),
        ExportSample(Interpolation(axis: 1, size: 2, rule: .average), [f32(2, 3)], ["Gather"]),
        ExportSample(
            Convolve(stride: [2, 1], padding: [1, 0], dilation: [1, 2], groups: 1), [f32(2, 3, 4, 6), f32(5, 3, 3, 2)],
            ["Conv"]),
        ExportSample(
            Convolve(stride: [3], padding: [2], dilation: [1], groups: 2), [f32(2, 4, 7), f32(6, 2, 4)], ["Conv"]),
        ExportSample(
            MaximumPool(size: [3, 2], stride: [2, 1], padding: [1, 0], paddingAfter: [2, 0], dilation: [1, 2]),
            [f32(2, 3, 5, 4)], ["MaxPool"]),
        ExportSample(
            UpsampledConvolution(height: 5, width: 3), [f32(2, 3, 2, 4), f32(6, 4, 3, 1)], ["Resize", "Conv"]),
        ExportSample(UpsampledConvolution(height: 3, width: 2), [f32(2, 3, 2, 4), f32(6, 4, 3, 1)], ["Conv"]),
        ExportSample(GELU(), [f32(4)], ["Gelu"]), ExportSample(Softplus(), [f32(4)], ["Softplus"]),
        ExportSample(Attention(scale: 0.5), [f32(2, 3, 4), f32(2, 5, 4), f32(2, 5, 6)], ["MatMul", "Softmax"]),
        ExportSample(
            Attention(scale: 0.5, isCausal: true), [f32(2, 3, 4), f32(2, 5, 4), f32(2, 5, 6), bool(2, 1, 5)],
            ["Where", "MatMul"]),
    ] + Compare.Direction.allCases.map { ExportSample(Compare($0), [i32(9), i32(9)], []) }
