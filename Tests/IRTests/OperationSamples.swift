import ApusIR

/// An operation with operand types that it accepts and the result type that must follow.
struct OperationSample: CustomStringConvertible, Sendable {
    var operation: any Operation
    var operands: [TensorType]
    var result: TensorType
    var description: String { operation.name }

    init(_ operation: any Operation, _ operands: [TensorType] = [], gives result: TensorType) {
        self.operation = operation
        self.operands = operands
        self.result = result
    }

    /// A graph with the operands as inputs and the operation's result as output.
    func graph() throws -> Graph {
        let builder = GraphBuilder(name: "sample")
        let inputs = operands.enumerated().map { builder.input(Input("operand\($0)", $1)) }
        builder.output("y", builder.add(operation, inputs))
        return try builder.finish()
    }
}

private func f32(_ shape: Int...) -> TensorType { TensorType(.f32, shape) }
private func i32(_ shape: Int...) -> TensorType { TensorType(.i32, shape) }
private func bool(_ shape: Int...) -> TensorType { TensorType(.bool, shape) }

/// At least one sample of every registered operation.
let operationSamples: [OperationSample] = leafSamples + elementwiseSamples + shapeSamples + structuredSamples

private let leafSamples: [OperationSample] = [
    OperationSample(Input("images", f32(2, 3)), gives: f32(2, 3)),
    OperationSample(Input("a \"quoted\" \\ name\n", bool(1)), gives: bool(1)),
    OperationSample(Parameter("blocks.0.weight", f32(3, 2), .xavierUniform), gives: f32(3, 2)),
    OperationSample(Parameter("bias", f32(2), .zeros, trainable: false), gives: f32(2)),
    OperationSample(Parameter("a", f32(2), .normal(deviation: 0.02)), gives: f32(2)),
    OperationSample(Parameter("a", f32(2), .normal(mean: -0.5, deviation: 0.02)), gives: f32(2)),
    OperationSample(Parameter("b", f32(2), .truncatedNormal(deviation: 1e-30)), gives: f32(2)),
    OperationSample(Parameter("c", f32(2), .uniform(bound: 0.1)), gives: f32(2)),
    OperationSample(Parameter("d", f32(1, 5, 8), .sineCosine2D(grid: 2, leadingZeros: 1)), gives: f32(1, 5, 8)),
    OperationSample(Constant(f32(2, 2), splat: 0.1), gives: f32(2, 2)),
    OperationSample(Constant(f32(), splat: -.infinity), gives: f32()),
    OperationSample(Constant(f32(), splat: .nan), gives: f32()),
    OperationSample(Constant(f32(), splat: -0.0), gives: f32()),
    OperationSample(Constant(i32(3), values: [1, -2, 2_147_483_647]), gives: i32(3)),
    OperationSample(Constant(f32(3), values: [0x1p-1074, 1e300, 1 / 3.0]), gives: f32(3)),
    OperationSample(Constant(bool(2), values: [0, 1]), gives: bool(2)),
    OperationSample(Iota(i32(2, 5), axis: 1), gives: i32(2, 5)),
    OperationSample(RandomUniform(shape: [3, 1], stream: 4_294_967_295), [i32(2)], gives: f32(3, 1)),
]

private let elementwiseSamples: [OperationSample] =
    [
        OperationSample(Negate(), [i32(3)], gives: i32(3)),
        OperationSample(Absolute(), [f32(3)], gives: f32(3)),
        OperationSample(Exp(), [f32(3)], gives: f32(3)),
        OperationSample(Log(), [f32(3)], gives: f32(3)),
        OperationSample(Sqrt(), [f32(3)], gives: f32(3)),
        OperationSample(Tanh(), [TensorType(.bf16, [3])], gives: TensorType(.bf16, [3])),
        OperationSample(Erf(), [f32(3)], gives: f32(3)),
        OperationSample(Sin(), [f32(3)], gives: f32(3)),
        OperationSample(Cos(), [f32(3)], gives: f32(3)),
        OperationSample(Floor(), [f32(3)], gives: f32(3)),
        OperationSample(Add(), [f32(2, 1), f32(2, 1)], gives: f32(2, 1)),
        OperationSample(Subtract(), [i32(), i32()], gives: i32()),
        OperationSample(Multiply(), [f32(3), f32(3)], gives: f32(3)),
        OperationSample(Divide(), [f32(3), f32(3)], gives: f32(3)),
        OperationSample(Maximum(), [f32(3), f32(3)], gives: f32(3)),
        OperationSample(Minimum(), [i32(3), i32(3)], gives: i32(3)),
        OperationSample(Power(), [f32(3), f32(3)], gives: f32(3)),
        OperationSample(Select(), [bool(3), i32(3), i32(3)], gives: i32(3)),
        OperationSample(Cast(.bf16), [f32(2, 2)], gives: TensorType(.bf16, [2, 2])),
        OperationSample(Cast(.bool), [i32(2)], gives: bool(2)),
    ] + Compare.Direction.allCases.map { OperationSample(Compare($0), [f32(2), f32(2)], gives: bool(2)) }

private let shapeSamples: [OperationSample] = [
    OperationSample(Reshape([3, 2, 1]), [f32(6)], gives: f32(3, 2, 1)),
    OperationSample(Reshape([]), [f32(1, 1)], gives: f32()),
    OperationSample(Transpose([2, 0, 1]), [f32(2, 3, 4)], gives: f32(4, 2, 3)),
    OperationSample(Transpose([]), [f32()], gives: f32()),
    OperationSample(Broadcast(shape: [2, 3, 4], axes: [0, 2]), [f32(2, 1)], gives: f32(2, 3, 4)),
    OperationSample(Broadcast(shape: [7], axes: []), [bool()], gives: bool(7)),
    OperationSample(Slice(starts: [1, 0], limits: [4, 5], steps: [2, 3]), [f32(4, 5)], gives: f32(2, 2)),
    OperationSample(Windows(size: [2], stride: [3], dilation: [2]), [f32(2, 9)], gives: f32(2, 2, 3)),
    OperationSample(
        Windows(size: [3, 2], stride: [1, 2], dilation: [1, 1], isReversed: true), [f32(4, 3, 5)],
        gives: f32(4, 3, 2, 1, 2)),
    OperationSample(Pad(low: [1, 0], high: [2, 0], interior: [0, 2]), [f32(2, 3)], gives: f32(5, 7)),
    OperationSample(OptimizationBarrier(), [f32(2, 3), f32(4)], gives: f32(2, 3)),
    OperationSample(Concatenate(axis: 1), [f32(2, 1), f32(2, 3), f32(2, 1)], gives: f32(2, 5)),
    OperationSample(Copy(), [bool(2, 3)], gives: bool(2, 3)),
]

private let structuredSamples: [OperationSample] = [
    OperationSample(Reduce(.sum, axes: [0, 2]), [f32(2, 3, 4)], gives: f32(3)),
    OperationSample(Reduce(.maximum, axes: [0]), [i32(2)], gives: i32()),
    OperationSample(Reduce(.minimum, axes: [1]), [f32(2, 3)], gives: f32(2)),
    OperationSample(Dot(leftContracting: [1], rightContracting: [0]), [f32(2, 3), f32(3, 4)], gives: f32(2, 4)),
    OperationSample(
        Dot(leftBatch: [2, 0], rightBatch: [0, 1], leftContracting: [3], rightContracting: [3]),
        [f32(2, 5, 4, 3), f32(4, 2, 6, 3)], gives: f32(4, 2, 5, 6)),
    OperationSample(Dot(leftContracting: [], rightContracting: []), [f32(2), f32(3)], gives: f32(2, 3)),
    OperationSample(
        Dot(leftContracting: [1], rightContracting: [1], result: .f32),
        [TensorType(.bf16, [2, 3]), TensorType(.bf16, [4, 3])], gives: f32(2, 4)),
    OperationSample(Gather(batch: 1), [f32(2, 7, 3), i32(2, 4)], gives: f32(2, 4, 3)),
    OperationSample(Gather(batch: 0), [i32(7), i32()], gives: i32()),
    OperationSample(ScatterAdd(batch: 1, rows: 7), [i32(2, 4), f32(2, 4, 3)], gives: f32(2, 7, 3)),
    OperationSample(ScatterAdd(batch: 0, rows: 5), [i32(), f32(3)], gives: f32(5, 3)),
    OperationSample(ArgSort(), [f32(2, 3)], gives: i32(2, 3)),
    OperationSample(AllReduce(), [TensorType(.bf16, [2, 3])], gives: TensorType(.bf16, [2, 3])),
    OperationSample(ReduceScatter(), [TensorType(.bf16, [2, 3])], gives: TensorType(.bf16, [3])),
    OperationSample(ReduceScatter(), [f32(4)], gives: f32()),
    OperationSample(AllGather(ranks: 2), [TensorType(.bf16, [3])], gives: TensorType(.bf16, [2, 3])),
    OperationSample(AllGather(ranks: 3), [f32()], gives: f32(3)),
    OperationSample(Softmax(), [f32(2, 3)], gives: f32(2, 3)),
    OperationSample(Softmax(isSafe: true), [f32(2, 3)], gives: f32(2, 3)),
    OperationSample(LogSoftmax(), [f32(3)], gives: f32(3)),
    OperationSample(LayerNormalization(epsilon: 1e-5), [f32(2, 3), f32(3), f32(3)], gives: f32(2, 3)),
    OperationSample(BatchNormalization(axis: 1, epsilon: 1e-5), [f32(2, 3, 4), f32(3), f32(3)], gives: f32(2, 3, 4)),
    OperationSample(BatchNormalization(axis: 0, epsilon: 0), [f32(2, 3)], gives: f32(2, 3)),
    OperationSample(Interpolation(axis: 1, size: 5, rule: .alignedCorners), [f32(2, 3, 4)], gives: f32(2, 5, 4)),
    OperationSample(Interpolation(axis: 0, size: 5, rule: .pixelCentres), [f32(2, 3)], gives: f32(5, 3)),
    OperationSample(Interpolation(axis: 0, size: 5, rule: .nearest), [f32(2, 3)], gives: f32(5, 3)),
    OperationSample(Interpolation(axis: 1, size: 2, rule: .average), [f32(2, 3)], gives: f32(2, 2)),
    OperationSample(
        Convolve(stride: [2, 1], padding: [1, 0], dilation: [1, 2], groups: 1), [f32(2, 3, 4, 6), f32(5, 3, 3, 2)],
        gives: f32(2, 5, 2, 4)),
    OperationSample(
        Convolve(stride: [3], padding: [2], dilation: [1], groups: 2), [f32(2, 4, 7), f32(6, 2, 4)], gives: f32(2, 6, 3)
    ),
    OperationSample(
        Convolve(stride: [2], padding: [1], dilation: [1], groups: 3), [f32(2, 3, 6), f32(3, 1, 3)], gives: f32(2, 3, 3)
    ),
    OperationSample(
        MaximumPool(size: [3, 2], stride: [2, 1], padding: [1, 0], paddingAfter: [2, 0], dilation: [1, 2]),
        [f32(2, 3, 5, 4)],
        gives: f32(2, 3, 3, 2)),
    OperationSample(
        UpsampledConvolution(height: 5, width: 3), [f32(2, 3, 2, 4), f32(6, 4, 3, 1)], gives: f32(2, 5, 3, 6)),
    OperationSample(GELU(), [f32()], gives: f32()),
    OperationSample(Softplus(), [f32(2)], gives: f32(2)),
    OperationSample(Attention(scale: 0.5), [f32(2, 3, 4), f32(2, 5, 4), f32(2, 5, 6)], gives: f32(2, 3, 6)),
    OperationSample(
        Attention(scale: 0.5, isCausal: true), [f32(2, 3, 4), f32(2, 5, 4), f32(2, 5, 6), bool(2, 1, 5)],
        gives: f32(2, 3, 6)),
    OperationSample(
        AttentionLogSum(AttentionScores(scale: 0.5)), [f32(2, 3, 4), f32(2, 5, 4), f32(2, 5, 6)], gives: f32(2, 3)),
    OperationSample(
        AttentionGradient(scale: 0.5, isCausal: true, part: .mask),
        [f32(2, 3, 4), f32(2, 5, 4), f32(2, 5, 6), f32(2, 3, 6), f32(2, 3, 6), f32(2, 3), f32(1, 3, 5)],
        gives: f32(1, 3, 5)),
    OperationSample(
        AttentionGradient(scale: 0.5, part: .keys),
        [f32(2, 3, 4), f32(2, 5, 4), f32(2, 5, 6), f32(2, 3, 6), f32(2, 3, 6), f32(2, 3)], gives: f32(2, 5, 4)),
    OperationSample(
        Attention(AttentionScores(scale: 0.5, isCausal: true, dropout: AttentionDropout(keep: 0.75, stream: 9))),
        [f32(2, 3, 4), f32(2, 5, 4), f32(2, 5, 6), bool(2, 1, 5), i32(2)], gives: f32(2, 3, 6)),
    OperationSample(
        AttentionGradient(
            AttentionScores(scale: 0.5, dropout: AttentionDropout(keep: 0.75, stream: 9)), part: .values),
        [f32(2, 3, 4), f32(2, 5, 4), f32(2, 5, 6), f32(2, 3, 6), f32(2, 3, 6), f32(2, 3), i32(2)],
        gives: f32(2, 5, 6)),
]
