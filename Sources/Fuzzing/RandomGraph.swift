import ApusIR
import ApusTransforms

/// A graph that follows from a seed, made for comparing kernels in f32 with the interpreter in f64.
///
/// Values stay in benign ranges: no division by nearly 0, no logarithm of nearly 0, no large exponents. What is
/// discontinuous (comparisons, floor, argsort, casts to integers and to bf16) only sees operands that f32 holds
/// exactly, so that rounding cannot turn a decision over; in a graph with gradients that holds for operations with a
/// kink as well (abs, maximum, relu, reduce maximum, pooling).
public struct RandomGraph: Sendable {
    /// What a random graph may be made of.
    public struct Configuration: Hashable, Sendable {
        /// How many times the graph grows; each step adds one to some dozens of nodes.
        public var steps = 14
        /// Elements of a tensor, at most, before a step that adds a few.
        public var largestCount = 2_000
        public var extents = [1, 1, 2, 3, 3, 4, 5, 7, 8, 16, 17, 31, 50]
        /// Elements of which some rows are a multiple: those that lie a period of a cache apart.
        public var rowPeriod = 16
        public var families = Set(Family.allCases)
        /// Whether a scalar loss is differentiated; nil lets the seed decide.
        public var gradients: Bool?
        /// Whether some leaves are parameters, which the graph updates.
        public var hasParameters = false
        /// Leaves are multiples of one part of this: bf16 holds those of 1/64 in ±2 exactly, and not those of 1/4096.
        public var leafDenominator = 64
        /// Whether operands of matmuls are rounded to bf16, and with them what a sum reads that a matmul reads too:
        /// no sum counts as exact then.
        public var roundsOperands = false

        public init(steps: Int = 14, gradients: Bool? = nil) {
            self.steps = steps
            self.gradients = gradients
        }
    }

    public let seed: UInt64
    public let graph: Graph
    /// Whether the graph has the results `loss` and `gradient.<input>` besides its other outputs.
    public let hasGradients: Bool

    /// Throws if the operations that were drawn do not fit together, or cannot be differentiated: a defect.
    public init(seed: UInt64, _ configuration: Configuration = Configuration()) throws {
        var random = SeededGenerator(seed: seed)
        let hasGradients = configuration.gradients ?? random.chance(0.5)
        var grower = GraphGrower(name: "random_\(seed)", configuration, random: random, smooth: hasGradients)
        for _ in 0..<2 { grower.plant() }
        for _ in 0..<configuration.steps { grower.grow() }
        self.seed = seed
        self.hasGradients = hasGradients
        graph = hasGradients ? try grower.finishedWithGradients() : try grower.finished()
    }
}
