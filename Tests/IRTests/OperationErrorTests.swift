import ApusIR
import Testing

private func f32(_ shape: Int...) -> TensorType { TensorType(.f32, shape) }
private func i32(_ shape: Int...) -> TensorType { TensorType(.i32, shape) }
private func bool(_ shape: Int...) -> TensorType { TensorType(.bool, shape) }

/// An operation, operands that do not fit, and what is said about them.
struct Misuse: CustomStringConvertible, Sendable {
    var operation: any Operation
    var operands: [TensorType]
    var code: GraphError.Code
    var description: String

    init(_ operation: any Operation, _ operands: [TensorType], _ code: GraphError.Code, _ description: String) {
        self.operation = operation
        self.operands = operands
        self.code = code
        self.description = description
    }
}

@Suite struct OperationErrorTests {
    @Test(arguments: elementwiseMisuses + shapeMisuses + structuredMisuses)
    func saysWhatIsWrong(_ misuse: Misuse) {
        expectError(misuse.code, misuse.description) { try misuse.operation.inferType(misuse.operands) }
    }

    /// The table has a row for every operation that can refuse an operand of its own number.
    @Test func everyOperationIsMisused() {
        let covered = Set((elementwiseMisuses + shapeMisuses + structuredMisuses).map { $0.operation.name })
        let missing = Set(OperationRegistry.all.map { $0.name }).subtracting(covered)
        #expect(missing == ["input", "parameter", "cast", "copy"])
    }
}

private let floatUnary: [any Operation] = [
    Absolute(), Exp(), Log(), Sqrt(), Tanh(), Erf(), Sin(), Cos(), Floor(), GELU(), Softplus(), Softmax(), LogSoftmax(),
    ArgSort(), AllReduce(), ReduceScatter(), AllGather(ranks: 2),
]
private let numberBinary: [any Operation] = [
    Add(), Subtract(), Multiply(), Divide(), Maximum(), Minimum(), Power(), Compare(.less),
]

private let elementwiseMisuses: [Misuse] =
    floatUnary.map { Misuse($0, [i32(3)], .elementType, "\($0.name): takes floating-point elements, has i32[3]") }
    + numberBinary.flatMap { operation in
        [
            Misuse(
                operation, [f32(3), i32(3)], .elementType, "\(operation.name): element types differ: f32[3] and i32[3]"),
            Misuse(operation, [f32(3), f32(2, 3)], .shape, "\(operation.name): shapes [3] and [2,3] differ"),
            Misuse(operation, [bool(3), bool(3)], .elementType, "\(operation.name): takes numbers, has bool[3]"),
        ]
    }
    + [
        Misuse(Negate(), [bool(2)], .elementType, "negate: takes numbers, has bool[2]"),
        Misuse(
            Divide(), [i32(2), i32(2)], .elementType, "divide: takes floating-point elements, has i32[2]; cast first"),
        Misuse(
            Power(), [i32(2), i32(2)], .elementType, "power: takes floating-point elements, has i32[2]; cast first"),
        Misuse(Select(), [f32(2), f32(2), f32(2)], .elementType, "select: the condition is f32[2], not bool"),
        Misuse(Select(), [bool(2), f32(2), i32(2)], .elementType, "select: the choices f32[2] and i32[2] differ"),
        Misuse(
            Select(), [bool(3), f32(2), f32(2)], .shape,
            "select: the condition bool[3] and the choices f32[2] differ in shape"),
        Misuse(Constant(f32(3), values: [1, 2]), [], .attribute, "constant: 2 values for f32[3]"),
        Misuse(Constant(i32(2), splat: 0.5), [], .elementType, "constant: 0.5 is not a number of i32"),
        Misuse(
            Constant(i32(2), values: [1, 2_147_483_648]), [], .elementType,
            "constant: 2147483648.0 is not a number of i32"),
        Misuse(Constant(i32(), splat: .nan), [], .elementType, "constant: nan is not a number of i32"),
        Misuse(Constant(bool(), splat: 2), [], .elementType, "constant: 2.0 is not a number of bool"),
        Misuse(Iota(bool(3), axis: 0), [], .elementType, "iota: counts in numbers, not in bool"),
        Misuse(Iota(f32(3), axis: 1), [], .attribute, "iota: axis 1 is out of range for rank 1"),
        Misuse(RandomUniform(shape: [2], stream: 0), [f32(2)], .shape, "random_uniform: the key is f32[2], not i32[2]"),
        Misuse(
            RandomUniform(shape: [2], stream: -1), [i32(2)], .attribute,
            "random_uniform: stream -1 is not a 32-bit number"),
        Misuse(
            RandomUniform(shape: [65_537, 65_536], stream: 0), [i32(2)], .shape,
            "random_uniform: [65537,65536] has more elements than a 32-bit counter numbers"),
    ]

private let shapeMisuses: [Misuse] = [
    Misuse(Reshape([2, 2]), [f32(3)], .shape, "reshape: [3] has 3 elements, [2,2] has 4"),
    Misuse(Reshape([-2, -2]), [f32(4)], .shape, "reshape: [-2,-2] is not a shape"),
    Misuse(Reshape([1 << 40, 1 << 40]), [f32(4)], .shape, "reshape: [1099511627776,1099511627776] is not a shape"),
    Misuse(Transpose([0, 0]), [f32(2, 3)], .attribute, "transpose: [0, 0] is not an order of the axes of [2,3]"),
    Misuse(Transpose([0]), [f32(2, 3)], .attribute, "transpose: [0] is not an order of the axes of [2,3]"),
    Misuse(
        Broadcast(shape: [2, 3], axes: [1, 0]), [f32(2, 3)], .attribute,
        "broadcast: axes [1, 0] do not name the 2 axes of [2,3] in order"),
    Misuse(Broadcast(shape: [2, 3], axes: [2]), [f32(3)], .attribute, "broadcast: axis 2 is out of range for rank 2"),
    Misuse(
        Broadcast(shape: [2, 3], axes: [0]), [f32(3)], .shape,
        "broadcast: [3] cannot be broadcast to [2,3]: 3 and 2 differ"),
    Misuse(
        Slice(starts: [0], limits: [1], steps: [1]), [f32(2, 3)], .attribute,
        "slice: bounds for 1 axes, operand [2,3] has 2"),
    Misuse(
        Slice(starts: [2], limits: [2], steps: [1]), [f32(3)], .attribute,
        "slice: 2..<2 by 1 is not within axis 0 of [3]"),
    Misuse(
        Slice(starts: [0, 0], limits: [2, 4], steps: [1, 1]), [f32(2, 3)], .attribute,
        "slice: 0..<4 by 1 is not within axis 1 of [2,3]"),
    Misuse(
        Slice(starts: [0], limits: [2], steps: [0]), [f32(3)], .attribute,
        "slice: 0..<2 by 0 is not within axis 0 of [3]"),
    Misuse(
        Pad(low: [0], high: [0], interior: [0]), [f32(2, 3)], .attribute, "pad: widths for 1 axes, operand [2,3] has 2"),
    Misuse(Pad(low: [-1], high: [0], interior: [0]), [f32(3)], .attribute, "pad: widths must not be negative"),
    Misuse(
        Pad(low: [.max], high: [.max], interior: [.max]), [f32(3)], .attribute,
        "pad: the widths of axis 0 are too large"),
    Misuse(OptimizationBarrier(), [f32(2)], .structure, "optimization_barrier: takes 2 operands, has 1"),
    Misuse(Concatenate(axis: 0), [], .structure, "concatenate: has no operands"),
    Misuse(Concatenate(axis: 2), [f32(2, 3), f32(2, 3)], .attribute, "concatenate: axis 2 is out of range for rank 2"),
    Misuse(
        Concatenate(axis: 0), [f32(2), i32(2)], .elementType, "concatenate: element types of f32[2] and i32[2] differ"),
    Misuse(Concatenate(axis: 0), [f32(2), f32(2, 1)], .shape, "concatenate: ranks of f32[2] and f32[2,1] differ"),
    Misuse(
        Concatenate(axis: 0), [f32(2, 3), f32(2, 4)], .shape, "concatenate: f32[2,3] and f32[2,4] differ outside axis 0"
    ),
]

/// What attention says of shapes that do not fit together.
private func misfit(_ q: [Int], _ k: [Int], _ v: [Int], of operation: String = "attention") -> String {
    "\(operation): takes [..., n, d], [..., m, d] and [..., m, e], has \(shapeText(q)), \(shapeText(k)) and \(shapeText(v))"
}

/// Attention that keeps probabilities with a chance.
private func dropping(_ keep: Double, stream: Int = 1) -> Attention {
    Attention(AttentionScores(scale: 1, dropout: AttentionDropout(keep: keep, stream: stream)))
}

private let structuredMisuses: [Misuse] = [
    Misuse(Reduce(.sum, axes: [0]), [bool(2)], .elementType, "reduce: takes numbers, has bool[2]; cast first"),
    Misuse(Reduce(.sum, axes: [1]), [f32(2)], .attribute, "reduce: axis 1 is out of range for rank 1"),
    Misuse(Reduce(.sum, axes: []), [f32(2)], .attribute, "reduce: axes [] must be ascending and at least one"),
    Misuse(
        Reduce(.sum, axes: [1, 0]), [f32(2, 3)], .attribute, "reduce: axes [1, 0] must be ascending and at least one"),
    Misuse(
        Dot(leftContracting: [1], rightContracting: [0]), [f32(2, 3), f32(4, 5)], .shape,
        "dot: inner dimensions 3 and 4 differ ([2,3] x [4,5])"),
    Misuse(
        Dot(leftBatch: [0], rightBatch: [0], leftContracting: [], rightContracting: []), [f32(2, 3), f32(4, 5)], .shape,
        "dot: batch dimensions 2 and 4 differ ([2,3] x [4,5])"),
    Misuse(
        Dot(leftContracting: [1], rightContracting: []), [f32(2, 3), f32(3)], .attribute,
        "dot: batch and contracting axes must come in pairs"),
    Misuse(
        Dot(leftContracting: [1, 1], rightContracting: [0, 0]), [f32(2, 3), f32(3)], .attribute,
        "dot: axes [1, 1] name one twice"),
    Misuse(
        Dot(leftContracting: [-1], rightContracting: [0]), [f32(2, 3), f32(3)], .attribute,
        "dot: axis -1 is out of range for rank 2"),
    Misuse(
        Dot(leftContracting: [0], rightContracting: [0]), [f32(2), i32(2)], .elementType,
        "dot: element types differ: f32[2] and i32[2]"),
    Misuse(
        Dot(leftContracting: [0], rightContracting: [0]), [i32(2), i32(2)], .elementType,
        "dot: takes floating-point elements, has i32[2]"),
    Misuse(
        Dot(leftContracting: [0], rightContracting: [0], result: .i32), [f32(2), f32(2)], .attribute,
        "dot: the result is to be i32, which is not of floating point"),
    Misuse(Gather(batch: 0), [f32(3), f32(2)], .elementType, "gather: indices are f32[2], not i32"),
    Misuse(Gather(batch: 1), [f32(3), i32(3)], .attribute, "gather: 1 batch axes for f32[3] and i32[3]"),
    Misuse(Gather(batch: 1), [f32(3, 2), i32(2)], .shape, "gather: the first 1 axes of [3,2] and indices [2] differ"),
    Misuse(ScatterAdd(batch: 0, rows: 3), [f32(2), f32(2)], .elementType, "scatter_add: indices are f32[2], not i32"),
    Misuse(
        ScatterAdd(batch: 0, rows: 3), [i32(2), i32(2)], .elementType,
        "scatter_add: takes floating-point elements, has i32[2]"),
    Misuse(
        ScatterAdd(batch: 0, rows: 0), [i32(2), f32(2)], .attribute,
        "scatter_add: 0 batch axes, 0 rows for indices i32[2]"),
    Misuse(
        ScatterAdd(batch: 0, rows: 3), [i32(2), f32(3)], .shape,
        "scatter_add: rows [3] do not begin with the shape of the indices [2]"),
    Misuse(ArgSort(), [f32()], .shape, "argsort: a scalar has no axis to sort"),
    Misuse(Softmax(), [f32()], .shape, "softmax: a scalar has no axis to normalise"),
    Misuse(LogSoftmax(), [f32()], .shape, "log_softmax: a scalar has no axis to normalise"),
    Misuse(
        LayerNormalization(epsilon: 0.1), [i32(2), i32(2), i32(2)], .elementType,
        "layer_norm: takes floating-point elements, has i32[2]"),
    Misuse(
        LayerNormalization(epsilon: 0.1), [f32(), f32(), f32()], .shape, "layer_norm: a scalar has no axis to normalise"
    ),
    Misuse(
        LayerNormalization(epsilon: 0.1), [f32(4, 2), f32(2), f32(3)], .shape,
        "layer_norm: weight and bias are f32[3], not f32[2]"),
    Misuse(
        BatchNormalization(axis: 0, epsilon: 0.1), [i32(2)], .elementType,
        "batch_norm: takes floating-point elements, has i32[2]"),
    Misuse(
        BatchNormalization(axis: 0, epsilon: 0.1), [f32(2), f32(2)], .structure,
        "batch_norm: takes 1 or 3 operands, has 2"),
    Misuse(
        BatchNormalization(axis: 0, epsilon: -1), [f32(2)], .attribute,
        "batch_norm: epsilon -1.0 is not a number from 0 up"),
    Misuse(
        BatchNormalization(axis: 0, epsilon: 0, ranks: 0), [f32(2)], .attribute,
        "batch_norm: ranks is 0, not a number from 1 up"),
    Misuse(
        BatchNormalization(axis: 1, epsilon: 0.1), [f32(4, 2), f32(2), f32(3)], .shape,
        "batch_norm: weight and bias are f32[3], not f32[2]"),
    Misuse(
        Interpolation(axis: 0, size: 2, rule: .alignedCorners), [i32(2)], .elementType,
        "interpolate: takes floating-point elements, has i32[2]"),
    Misuse(
        Interpolation(axis: 0, size: 0, rule: .alignedCorners), [f32(2)], .attribute,
        "interpolate: the size 0 is not from 1 to 65536"),
    Misuse(
        Windows(size: [2, 2], stride: [1], dilation: [1, 1]), [f32(4, 4)], .attribute,
        "windows: windows of [2,2] by [1] with dilation [1,1] do not slide over [4,4]"),
    Misuse(
        Windows(size: [2], stride: [0], dilation: [1]), [f32(4, 4)], .attribute,
        "windows: size 2, stride 0, dilation 1 are not positive"),
    Misuse(
        Windows(size: [3], stride: [1], dilation: [2]), [f32(4, 4)], .shape,
        "windows: a window of 3 by dilation 2 does not fit into 4"),
    Misuse(
        Convolve(stride: [1], padding: [0], dilation: [1], groups: 1), [f32(1, 3, 4), f32(2, 2, 2)], .shape,
        "convolve: takes images [n,c,extents...] and a kernel [o,c/groups,size...], has [1,3,4] and [2,2,2] in 1 groups"
    ),
    Misuse(
        Convolve(stride: [1, 1], padding: [0], dilation: [1], groups: 1), [f32(1, 2, 4), f32(2, 2, 2)], .attribute,
        "convolve: stride [1,1], padding [0] and dilation [1] do not belong to 1 axes"),
    Misuse(
        Convolve(stride: [1], padding: [0], dilation: [1], groups: 1), [i32(1, 2, 4), i32(2, 2, 2)], .elementType,
        "convolve: takes floating-point elements, has i32[1,2,4]"),
    Misuse(
        MaximumPool(size: [2, 2], stride: [2, 2], padding: [1, 1], dilation: [1, 1]), [f32(2, 4, 4)], .attribute,
        "max_pool: a window of [2,2] with padding [1,1] before and [1,1] after does not slide over f32[2,4,4]"),
    Misuse(
        MaximumPool(size: [5], stride: [1], padding: [0], dilation: [1]), [f32(1, 2, 4)], .shape,
        "max_pool: a window of 5 by dilation 1 does not fit into 4"),
    Misuse(
        Convolve(stride: [1], padding: [0], dilation: [1], groups: 1), [f32(1, 2, 4), f32(1, 2, 5)], .shape,
        "convolve: a window of 5 by dilation 1 does not fit into 4"),
    Misuse(
        UpsampledConvolution(height: 2, width: 2), [f32(1, 2, 2, 3), f32(4, 3, 2, 3)], .shape,
        "upsampled_convolution: takes images [n,h,w,c] and a kernel [o,c,kh,kw] of odd sides, has [1,2,2,3] and [4,3,2,3]"
    ),
    Misuse(
        UpsampledConvolution(height: 2, width: 0), [f32(1, 2, 2, 3), f32(4, 3, 3, 3)], .attribute,
        "upsampled_convolution: the size 2x0 is not from 1 to 65536"),
    Misuse(
        Attention(scale: 1), [i32(2, 3), i32(2, 3), i32(2, 3)], .elementType,
        "attention: takes floating-point elements, has i32[2,3]"),
    Misuse(
        Attention(scale: 1), [f32(2, 3), f32(2, 3), i32(2, 3)], .elementType,
        "attention: element types differ: f32[2,3], f32[2,3] and i32[2,3]"),
    Misuse(Attention(scale: 1), [f32(3), f32(3), f32(3)], .shape, misfit([3], [3], [3])),
    Misuse(Attention(scale: 1), [f32(2, 3), f32(5, 4), f32(5, 6)], .shape, misfit([2, 3], [5, 4], [5, 6])),
    Misuse(Attention(scale: 1), [f32(2, 3), f32(5, 3), f32(4, 6)], .shape, misfit([2, 3], [5, 3], [4, 6])),
    Misuse(
        Attention(scale: 1), [f32(1, 2, 3), f32(1, 5, 3), f32(2, 5, 6)], .shape,
        misfit([1, 2, 3], [1, 5, 3], [2, 5, 6])),
    Misuse(
        Attention(scale: 1), [f32(2, 3), f32(5, 3)], .structure,
        "attention: takes 3 operands, or 4 with a mask, has 2"),
    Misuse(
        Attention(scale: 1), [f32(2, 3), f32(5, 3), f32(5, 6), i32(2, 5)], .elementType,
        "attention: the mask is i32[2,5], neither bool nor of numbers that are added"),
    Misuse(
        Attention(scale: 1), [f32(2, 3), f32(5, 3), f32(5, 6), bool(5, 2)], .shape,
        "attention: the mask is bool[5,2], and the scores [2,5], of which extents may be 1 in it"),
    Misuse(
        Attention(scale: 1), [f32(2, 3), f32(5, 3), f32(5, 6), f32(5)], .shape,
        "attention: the mask is f32[5], and the scores [2,5], of which extents may be 1 in it"),
    Misuse(
        dropping(0.5), [f32(2, 3), f32(5, 3), f32(5, 6)], .structure,
        "attention: takes 4 operands, or 5 with a mask, has 3"),
    Misuse(
        dropping(0.5), [f32(2, 3), f32(5, 3), f32(5, 6), f32(2, 5)], .shape,
        "attention: the key is f32[2,5], not i32[2]"),
    Misuse(
        dropping(0), [f32(2, 3), f32(5, 3), f32(5, 6), i32(2)], .attribute,
        "attention: keeps probabilities with the chance 0.0, which is not in (0, 1)"),
    Misuse(
        dropping(1.5), [f32(2, 3), f32(5, 3), f32(5, 6), i32(2)], .attribute,
        "attention: keeps probabilities with the chance 1.5, which is not in (0, 1)"),
    Misuse(
        dropping(0.5, stream: -1), [f32(2, 3), f32(5, 3), f32(5, 6), i32(2)], .attribute,
        "attention: stream -1 is not a 32-bit number"),
    Misuse(
        dropping(0.5), [f32(1 << 17, 1), f32(1 << 16, 1), f32(1 << 16, 1), i32(2)], .shape,
        "attention: [131072,65536] has more elements than a 32-bit counter numbers"),
    Misuse(
        AttentionGradient(scale: 1, part: .mask),
        [f32(2, 3), f32(5, 3), f32(5, 6), f32(2, 6), f32(2, 6), f32(2), bool(2, 5)],
        .attribute,
        "attention_gradient: has no mask of numbers, whose gradient is wanted"),
    Misuse(
        AttentionGradient(scale: 1, part: .keys), [f32(2, 3), f32(5, 3), f32(5, 6)], .structure,
        "attention_gradient: takes 6 operands, or 7 with a mask, has 3"),
    Misuse(
        AttentionGradient(scale: 1, part: .keys), [f32(2, 3), f32(5, 4), f32(5, 6), f32(2, 6), f32(2, 6), f32(2)],
        .shape,
        misfit([2, 3], [5, 4], [5, 6], of: "attention_gradient")),
    Misuse(
        AttentionGradient(scale: 1, part: .keys), [f32(2, 3), f32(5, 3), f32(5, 6), f32(2, 3), f32(2, 6), f32(2)],
        .shape, "attention_gradient: the gradient is f32[2,3], the result f32[2,6]"),
    Misuse(
        AttentionGradient(scale: 1, part: .keys), [f32(2, 3), f32(5, 3), f32(5, 6), f32(2, 6), f32(2, 6), f32(5)],
        .shape,
        "attention_gradient: the result and its log-sums are f32[2,6] and f32[5], those of attention f32[2,6] and f32[2]"
    ),
    Misuse(
        AttentionLogSum(AttentionScores(scale: 1)), [f32(2, 3), f32(5, 4), f32(5, 6)], .shape,
        misfit([2, 3], [5, 4], [5, 6], of: "attention_log_sum")),
]
