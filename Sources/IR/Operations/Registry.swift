/// Every operation of the IR. The parser, the tests over all operations and the operation reference read this list.
public enum OperationRegistry {
    /// The types of all operations.
    public static let all: [any Operation.Type] = [
        // Leaves
        Input.self, Parameter.self, Constant.self, Iota.self, RandomUniform.self,
        // Element-wise
        Negate.self, Absolute.self, Exp.self, Log.self, Sqrt.self, Tanh.self, Erf.self, Sin.self, Cos.self, Floor.self,
        Add.self, Subtract.self, Multiply.self, Divide.self, Maximum.self, Minimum.self, Power.self,
        Compare.self, Select.self, Cast.self,
        // Shape
        Reshape.self, Transpose.self, Broadcast.self, Slice.self, Windows.self, Pad.self, Concatenate.self, Copy.self,
        OptimizationBarrier.self,
        // Structured
        Reduce.self, Dot.self, Gather.self, ScatterAdd.self, ArgSort.self,
        AllReduce.self, ReduceScatter.self, AllGather.self,
        // Composite
        Softmax.self, LogSoftmax.self, LayerNormalization.self, BatchNormalization.self, GELU.self, Softplus.self,
        Attention.self, AttentionLogSum.self, AttentionGradient.self,
        Interpolation.self, Convolve.self, MaximumPool.self, UpsampledConvolution.self,
    ]

    package static let byName: [String: any Operation.Type] = Dictionary(
        uniqueKeysWithValues: all.map { ($0.name, $0) })
}
