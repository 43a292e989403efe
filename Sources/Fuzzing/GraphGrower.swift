import ApusIR

/// A value of the growing graph and what is known about its numbers.
struct Grown {
    var tensor: Tensor
    /// No element is larger than this in magnitude.
    var bound: Double
    /// Whether all elements are multiples of a small power of two that f32 computes without rounding.
    var exact: Bool
}

/// Adds random operations to a graph. Each kind of operations has its own file of steps.
struct GraphGrower {
    let builder: GraphBuilder
    let configuration: RandomGraph.Configuration
    /// Operations with a kink only get exact operands, so that gradients in f32 and f64 agree.
    let smooth: Bool
    var random: SeededGenerator
    /// Values in f32; the last ones are used most.
    var pool: [Grown] = []
    /// Values in i32, bounded by 60 or by an extent.
    var integers: [Tensor] = []
    private let choices: [Family]
    private var leafCount = 0

    init(name: String, _ configuration: RandomGraph.Configuration, random: SeededGenerator, smooth: Bool) {
        builder = GraphBuilder(name: name)
        self.configuration = configuration
        self.random = random
        self.smooth = smooth
        choices = Family.choices(configuration.families)
    }

    var largestCount: Int { configuration.largestCount }

    // MARK: Leaves

    mutating func input(_ element: ElementType, _ shape: [Int]) -> Tensor {
        defer { leafCount += 1 }
        return builder.input(Input("\(element.rawValue)_\(leafCount)", TensorType(element, shape)))
    }

    /// A new f32 leaf, exact and in ±2.
    mutating func fresh(_ shape: [Int]) -> Grown {
        guard configuration.hasParameters, random.chance(0.3) else {
            return Grown(tensor: input(.f32, shape), bound: 2, exact: true)
        }
        defer { leafCount += 1 }
        let parameter = Parameter("weight_\(leafCount)", TensorType(.f32, shape), .zeros)
        return Grown(tensor: builder.parameter(parameter), bound: 2, exact: true)
    }

    mutating func shape(rank: ClosedRange<Int>) -> [Int] {
        var shape: [Int] = []
        for _ in 0..<random.integer(rank) {
            let room = largestCount / shape.reduce(1, *)
            shape.append(random.pick(configuration.extents.filter { $0 <= max(room, 1) }))
        }
        let rows = shape.dropLast().reduce(1, *), period = configuration.rowPeriod
        if !shape.isEmpty, random.chance(0.15), rows * period <= largestCount { shape[shape.count - 1] = period }
        return shape
    }

    mutating func plant() { pool.append(fresh(shape(rank: 1...4))) }

    // MARK: Growing

    mutating func value() -> Grown { pool[max(random.integer(0...pool.count - 1), random.integer(0...pool.count - 1))] }

    /// A value whose elements are exact; a new leaf if the one drawn is not.
    mutating func exactValue() -> Grown {
        let drawn = value()
        return drawn.exact ? drawn : fresh(drawn.tensor.shape)
    }

    /// A value that an operation with a kink may see.
    mutating func kinkable() -> Grown { smooth ? exactValue() : value() }

    /// Adds a value to the pool, scaled down if it may be large.
    mutating func keep(_ tensor: Tensor, bound: Double, exact: Bool = false) {
        guard tensor.isValid, tensor.type.count <= 4 * largestCount else { return }
        if bound > 30 {
            pool.append(Grown(tensor: tensor * (4 / bound), bound: 4, exact: false))
        } else {
            pool.append(Grown(tensor: tensor, bound: bound, exact: exact))
        }
    }

    mutating func grow() {
        switch random.pick(choices) {
        case .unary: growUnary()
        case .binary: growBinary()
        case .select: growSelect()
        case .integers: growIntegers()
        case .leaf: growLeaf()
        case .reduction: growReduction()
        case .softmax: growSoftmax()
        case .normalization: random.chance(0.6) ? growLayerNormalization() : growBatchNormalization()
        case .interpolation: growInterpolation()
        case .upsampledConvolution: growUpsampledConvolution()
        case .slice: growSlice()
        case .pad: growPad()
        case .concatenation: growConcatenation()
        case .reordering: growReordering()
        case .broadcast: growBroadcast()
        case .matmul: growMatmul()
        case .attention: growAttention()
        case .gather: growGather()
        case .scatter: growScatter()
        case .sort: growSort()
        case .convolution: growConvolution()
        case .pooling: growPooling()
        case .embedding: growEmbedding()
        case .besideMatmul: growBesideMatmul()
        case .transposedMatmul: growTransposedMatmul()
        case .periodicRows: growPeriodicRows()
        case .attentionBlock: growAttentionBlock()
        case .bfloat16: growBFloat16()
        }
    }
}
