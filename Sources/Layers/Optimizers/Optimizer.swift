import ApusIR

/// How weights follow their gradients: a rule with its constants. Its state and its updates become part of the graph.
///
/// The learning rate, and what else changes from step to step, are scalar inputs of the graph, so that a schedule
/// needs no compilation; ``inputs(step:learningRate:)`` has their values.
public struct Optimizer: Sendable {
    enum Rule: Sendable {
        case sgd(StochasticGradientDescent)
        case adam(Adam)
        case lars(LARS)
    }

    let rule: Rule
    /// The learning rate where no schedule says otherwise.
    public let learningRate: Double
    private var clippingNorm: Double?
    private var averageDecay: Double?

    init(rule: Rule, learningRate: Double) {
        (self.rule, self.learningRate) = (rule, learningRate)
    }

    /// The optimizer with gradients that are scaled down where all of them together are longer than `norm`, exactly as
    /// PyTorch's `clip_grad_norm_`; accumulated gradients are clipped as a sum.
    public func clippingGradients(toNorm norm: Double) -> Optimizer {
        var optimizer = self
        optimizer.clippingNorm = norm
        return optimizer
    }

    /// The optimizer that also keeps, as the parameter `ema.NAME`, the exponential moving average of each weight after
    /// its updates.
    ///
    /// It is free of a start value: after t steps it is Σᵢ dᵗ⁻ⁱ wᵢ / Σᵢ dᵗ⁻ⁱ (the correction of Kingma and Ba 2014,
    /// section 3), so after the first it is the weight. Weights that training does not change have none.
    public func averagingWeights(decay: Double) -> Optimizer {
        var optimizer = self
        optimizer.averageDecay = decay
        return optimizer
    }

    /// A weight with its gradient.
    public struct Weight {
        public var parameter: Tensor
        public var name: String
        public var gradient: Tensor
        /// A constant factor of the learning rate, for layer-wise decay.
        public var learningRateScale: Double

        public init(_ parameter: Tensor, name: String, gradient: Tensor, learningRateScale: Double = 1) {
            self.parameter = parameter
            self.name = name
            self.gradient = gradient
            self.learningRateScale = learningRateScale
        }
    }

    /// Appends the updates of some weights to a graph, with the state that they need and the scalar inputs.
    ///
    /// State is declared as parameters that are not trainable, named `optimizer.`, what it is, and the weight's name;
    /// averages are named `ema.` and the weight's name.
    public func appendUpdates(to builder: GraphBuilder, _ weights: [Weight]) {
        let own = inputs(step: 1)
        for (value, input) in builder.graph.inputs where own[input.name] != nil {
            builder.report(
                GraphError(
                    .name, operation: Input.name,
                    "the name '\(input.name)' belongs to an input of the optimizer; give this one another",
                    location: builder.graph[value].location))
        }
        let rate = builder.input(Input("learning_rate", TensorType(.f32, [])))
        let weights = clippingNorm.map { Self.clipped(weights, toNorm: $0) } ?? weights
        let next =
            switch rule {
            case .sgd(let rule): rule.appendUpdates(to: builder, weights, rate: rate)
            case .adam(let rule): rule.appendUpdates(to: builder, weights, rate: rate)
            case .lars(let rule): rule.appendUpdates(to: builder, weights, rate: rate)
            }
        if let averageDecay {
            Self.appendAverages(to: builder, of: zip(weights, next).map { ($0.name, $1) }, decay: averageDecay)
        }
    }

    private static func clipped(_ weights: [Weight], toNorm norm: Double) -> [Weight] {
        let squares = weights.map { squareSum($0.gradient) }
        guard let first = squares.first else { return weights }
        let length = sqrt(squares.dropFirst().reduce(first, +))
        let factor = minimum(norm / (length + 1e-6), 1)
        return weights.map { weight in
            var weight = weight
            weight.gradient = weight.gradient * factor
            return weight
        }
    }

    private static func appendAverages(
        to builder: GraphBuilder, of weights: [(name: String, next: Tensor)], decay: Double
    ) {
        // (1 − d) Σᵢ dᵗ⁻ⁱ = 1 − dᵗ, kept as state, so that averaging may begin at any step.
        let total = builder.parameter(Parameter("optimizer.ema_total", TensorType(.f32, []), .zeros, trainable: false))
        let nextTotal = total * decay + (1 - decay)
        builder.update(total, with: nextTotal)
        let share = (1 - decay) / nextTotal
        for (name, next) in weights {
            let average = builder.parameter(Parameter("ema.\(name)", next.type, .zeros, trainable: false))
            builder.update(average, with: average + (next - average) * share)
        }
    }

    /// Values of the scalar inputs for a step, counted from 1.
    public func inputs(step: Int, learningRate: Double? = nil) -> [String: Double] {
        let rate = ["learning_rate": learningRate ?? self.learningRate]
        return switch rule {
        case .sgd, .lars: rate
        case .adam(let rule): rate.merging(rule.corrections(step: step)) { $1 }
        }
    }

    /// What is wrong with the constants.
    var problems: [String] {
        var problems: [String] = []
        if !(learningRate.isFinite && learningRate >= 0) {
            problems.append("the learning rate \(learningRate) is not a number from 0 on")
        }
        if let clippingNorm, !(clippingNorm > 0) {
            problems.append("the norm \(clippingNorm) to clip gradients to is not above 0")
        }
        if let averageDecay, !(0..<1).contains(averageDecay) {
            problems.append("the decay \(averageDecay) of averaged weights is not in 0..<1")
        }
        switch rule {
        case .sgd(let rule): problems += rule.problems
        case .adam(let rule): problems += rule.problems
        case .lars(let rule): problems += rule.problems
        }
        return problems
    }
}

/// The sum of the squares of all elements, a scalar.
func squareSum(_ x: Tensor) -> Tensor { sum(x * x, axes: Array(x.shape.indices)) }

/// Which weights weight decay makes smaller, by name and shape.
public struct WeightDecayScope: Sendable {
    let includes: @Sendable (_ name: String, _ shape: [Int]) -> Bool

    /// Weights with two axes or more; biases and the weights of normalisations do not decay.
    public static let matricesOnly = WeightDecayScope { _, shape in shape.count > 1 }
    public static let all = WeightDecayScope { _, _ in true }
    /// The weights that a rule picks.
    public static func only(_ rule: @escaping @Sendable (_ name: String, _ shape: [Int]) -> Bool) -> WeightDecayScope {
        WeightDecayScope(includes: rule)
    }
}
