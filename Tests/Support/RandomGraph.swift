import ApusIR
import ApusTransforms

/// A graph that follows from a seed, made for comparing kernels in f32 with the interpreter in f64.
///
/// Values stay in benign ranges: no division by nearly 0, no logarithm of nearly 0, no large exponents. What is
/// discontinuous (comparisons, floor, argsort, casts to integers) only sees operands that f32 holds exactly;
/// in a graph with gradients that holds for operations with a kink as well (abs, maximum, relu, reduce maximum).
public struct RandomGraph: Sendable {
    public let seed: UInt64
    public let graph: Graph
    /// Whether the graph has the results `loss` and `gradient.<input>` besides its other outputs.
    public let hasGradients: Bool

    /// - Parameters:
    ///   - steps: how many times the graph grows; each step adds one to about ten nodes.
    ///   - gradients: whether a scalar loss is differentiated; nil lets the seed decide.
    public init(seed: UInt64, steps: Int = 14, gradients: Bool? = nil) {
        var random = SeededGenerator(seed: seed)
        let hasGradients = gradients ?? random.chance(0.5)
        var grower = GraphGrower(name: "random_\(seed)", random: random, smooth: hasGradients)
        for _ in 0..<2 { grower.plant() }
        for _ in 0..<steps { grower.grow() }
        self.seed = seed
        self.hasGradients = hasGradients
        do {
            graph = hasGradients ? try grower.finishedWithGradients() : try grower.finished()
        } catch {
            fatalError("random graph of seed \(seed): \(error)")
        }
    }
}

/// Numbers for all inputs of a graph: f32 multiples of 1/64 in ±2, i32 in −3…60, bool 0 or 1.
public func randomInputs(for graph: Graph, seed: UInt64) -> [String: HostTensor] {
    var random = SeededGenerator(seed: seed ^ 0xABCD_EF01)
    return Dictionary(
        uniqueKeysWithValues: graph.inputs.map { ($0.operation.name, randomTensor($0.operation.type, &random)) })
}

/// Numbers for all parameters of a graph, drawn like those of `randomInputs`.
public func randomParameters(for graph: Graph, seed: UInt64) -> [String: HostTensor] {
    var random = SeededGenerator(seed: seed ^ 0x1357_9BDF)
    return Dictionary(
        uniqueKeysWithValues: graph.parameters.map { ($0.operation.name, randomTensor($0.operation.type, &random)) })
}

/// A tensor of random numbers that every floating-point type but bf16 holds exactly.
public func randomTensor(_ type: TensorType, _ random: inout SeededGenerator) -> HostTensor {
    HostTensor(
        type,
        (0..<type.count).map { _ in
            switch type.element {
            case .f32, .f64, .bf16: Double(random.integer(-128...128)) / 64
            case .i32: Double(random.integer(-3...60))
            case .bool: Double(random.integer(0...1))
            }
        })
}

/// A value of the growing graph and what is known about its numbers.
struct Grown {
    var tensor: Tensor
    /// No element is larger than this in magnitude.
    var bound: Double
    /// Whether all elements are multiples of 1/64 that f32 computes without rounding.
    var exact: Bool
}

/// Adds random operations to a graph. Each family of operations has its own file of steps.
struct GraphGrower {
    static let extents = [1, 1, 2, 3, 3, 4, 5, 7, 8, 16, 17, 31, 50]
    static let largestCount = 2_000

    let builder: GraphBuilder
    /// Operations with a kink only get exact operands, so that gradients in f32 and f64 agree.
    let smooth: Bool
    var random: SeededGenerator
    /// Values in f32; the last ones are used most.
    var pool: [Grown] = []
    /// Values in i32, bounded by 60.
    var integers: [Tensor] = []
    private var inputCount = 0

    init(name: String, random: SeededGenerator, smooth: Bool) {
        builder = GraphBuilder(name: name)
        self.random = random
        self.smooth = smooth
    }

    // MARK: Leaves

    mutating func input(_ element: ElementType, _ shape: [Int]) -> Tensor {
        defer { inputCount += 1 }
        return builder.input(Input("\(element.rawValue)_\(inputCount)", TensorType(element, shape)))
    }

    /// A new f32 input, exact and in ±2.
    mutating func fresh(_ shape: [Int]) -> Grown { Grown(tensor: input(.f32, shape), bound: 2, exact: true) }

    mutating func shape(rank: ClosedRange<Int>) -> [Int] {
        var shape: [Int] = []
        for _ in 0..<random.integer(rank) {
            let room = Self.largestCount / shape.reduce(1, *)
            shape.append(random.pick(Self.extents.filter { $0 <= max(room, 1) }))
        }
        return shape
    }

    mutating func plant() { pool.append(fresh(shape(rank: 1...4))) }

    // MARK: Growing

    mutating func value() -> Grown { pool[max(random.integer(0...pool.count - 1), random.integer(0...pool.count - 1))] }

    /// A value whose elements are exact; a new input if the one drawn is not.
    mutating func exactValue() -> Grown {
        let drawn = value()
        return drawn.exact ? drawn : fresh(drawn.tensor.shape)
    }

    /// A value that an operation with a kink may see.
    mutating func kinkable() -> Grown { smooth ? exactValue() : value() }

    /// Adds a value to the pool, scaled down if it may be large.
    mutating func keep(_ tensor: Tensor, bound: Double, exact: Bool = false) {
        guard tensor.isValid, tensor.type.count <= 4 * Self.largestCount else { return }
        if bound > 30 {
            pool.append(Grown(tensor: tensor * (4 / bound), bound: 4, exact: false))
        } else {
            pool.append(Grown(tensor: tensor, bound: bound, exact: exact))
        }
    }

    mutating func grow() {
        switch random.integer(0...30) {
        case 0...4: growUnary()
        case 5...8: growBinary()
        case 9: growSelect()
        case 10...12: growReduction()
        case 13: growSoftmax()
        case 14: random.chance(0.6) ? growLayerNormalization() : growBatchNormalization()
        case 29: growInterpolation()
        case 30: growConvolution()
        case 15...17: growProduct()
        case 18: growGather()
        case 19: growScatter()
        case 20: growSort()
        case 21: growSlice()
        case 22: growPad()
        case 23: growConcatenation()
        case 24: growReordering()
        case 25: growBroadcast()
        case 26: growIntegers()
        case 27: growAttention()
        default: growLeaf()
        }
    }

    // MARK: Results

    /// Values in the pool that no node uses; at least the last one.
    private func tips() -> [Grown] {
        let used = Set(builder.graph.nodes.flatMap(\.operands))
        let tips = pool.filter {
            !used.contains($0.tensor.value) && !(builder.graph[$0.tensor.value].operation is Input)
        }
        return tips.isEmpty ? [pool[pool.count - 1]] : tips
    }

    private func declareOutputs(_ tips: [Grown]) {
        for (index, tip) in tips.enumerated() { builder.output("y\(index)", tip.tensor) }
        if let last = integers.last { builder.output("integers", last) }
    }

    func finished() throws -> Graph {
        declareOutputs(tips())
        return try builder.finish()
    }

    mutating func finishedWithGradients() throws -> Graph {
        let tips = tips()
        declareOutputs(tips)
        var loss = tips[0].tensor.constant(0.25)
        for tip in tips { loss = loss + mean(tip.tensor * input(.f32, tip.tensor.shape)) }
        builder.output("loss", loss)
        let traced = try builder.finish()
        let targets = traced.inputs.filter { $0.operation.type.element == .f32 }
        let differentiated = try differentiate(traced, loss: loss.value, withRespectTo: targets.map(\.value))
        var graph = differentiated.graph
        for (target, gradient) in zip(targets, differentiated.gradients) {
            if let gradient {
                graph.results.append(GraphResult(.output(name: "gradient.\(target.operation.name)"), gradient))
            }
        }
        return graph
    }
}
