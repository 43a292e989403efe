import ApusIR

/// How weights follow their gradients: a rule with its constants. Its state and its updates become part of the graph.
///
/// The learning rate, and what else changes from step to step, are scalar inputs of the graph, so that a schedule
/// needs no compilation; ``inputs(step:learningRate:)`` has their values.
public struct Optimizer: Sendable {
    let rule: any UpdateRule
    /// The learning rate where no schedule says otherwise.
    public let learningRate: Double
    private var clippingNorm: Double?
    private var clippingValue: Double?
    private var averageDecay: Double?
    private var groups: [ParameterGroup] = []
    /// How far weights are moved up the gradient before the one that they follow is computed; nil if not at all.
    public private(set) var sharpnessRadius: Double?

    init(rule: any UpdateRule, learningRate: Double) {
        (self.rule, self.learningRate) = (rule, learningRate)
    }

    /// The optimizer with gradients that are scaled down where all of them together are longer than `norm`, exactly as
    /// PyTorch's `clip_grad_norm_`; accumulated gradients are clipped as a sum.
    public func clippingGradients(toNorm norm: Double) -> Optimizer {
        var optimizer = self
        optimizer.clippingNorm = norm
        return optimizer
    }

    /// The optimizer with the numbers of gradients brought into ±value, exactly as PyTorch's `clip_grad_value_`; before
    /// they are clipped by norm, if they are.
    public func clippingGradients(toValue value: Double) -> Optimizer {
        var optimizer = self
        optimizer.clippingValue = value
        return optimizer
    }

    /// The optimizer with other learning rates and weight decay for some weights, by their names; of several groups
    /// that a weight belongs to, the last counts.
    public func grouping(_ groups: ParameterGroup...) -> Optimizer {
        var optimizer = self
        optimizer.groups += groups
        return optimizer
    }

    /// The optimizer that follows the gradient which the loss has at w + ρ · g / ‖g‖, where g is its gradient at w:
    /// sharpness-aware minimisation (Foret et al. 2021, equation 2). A step computes the model twice.
    public func sharpnessAware(radius: Double = 0.05) -> Optimizer {
        var optimizer = self
        optimizer.sharpnessRadius = radius
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
        /// The weight as it is before the update.
        public var parameter: Tensor
        /// Its name, as in the state.
        public var name: String
        /// The gradient of the loss with respect to it, of its shape.
        public var gradient: Tensor
        /// A constant factor of the learning rate, for layer-wise decay.
        public var learningRateScale: Double
        /// Weight decay in place of the optimizer's, whatever it decays; nil leaves that.
        public var weightDecay: Double?
        /// The shape of the weight, of which `parameter` and `gradient` may be a part, in one axis.
        package let shape: [Int]
        var isPart = false

        /// A weight with its gradient, of the same shape.
        public init(_ parameter: Tensor, name: String, gradient: Tensor, learningRateScale: Double = 1) {
            self.parameter = parameter
            self.name = name
            self.gradient = gradient
            self.learningRateScale = learningRateScale
            shape = parameter.shape
        }
    }

    /// Appends the updates of some weights to a graph, with the state that they need and the scalar inputs.
    ///
    /// State is declared as parameters that are not trainable, named `optimizer.`, what it is, and the weight's name;
    /// averages are named `ema.` and the weight's name.
    public func appendUpdates(to builder: GraphBuilder, _ weights: [Weight]) {
        appendUpdates(to: builder, weights, dividing: nil)
    }

    /// The same with state that may be divided among ranks. Averages are kept whole.
    package func appendUpdates(to builder: GraphBuilder, _ weights: [Weight], dividing division: StateDivision?) {
        builder.sharing { appendOwnUpdates(to: builder, weights, dividing: division) }
    }

    private func appendOwnUpdates(to builder: GraphBuilder, _ weights: [Weight], dividing division: StateDivision?) {
        var own = Set(inputs(step: 1).keys)
        if division != nil { own.insert(StateDivision.inputName) }
        for (value, input) in builder.graph.inputs where own.contains(input.name) {
            builder.report(
                GraphError(
                    .name, operation: Input.name,
                    "the name '\(input.name)' belongs to an input of the optimizer; give this one another",
                    location: builder.graph[value].location))
        }
        if division != nil, !rule.isElementwise {
            builder.report(
                GraphError(
                    .unsupported, operation: "optimizer",
                    "it looks at whole weights, so that its state cannot be divided among ranks: leave it whole, or take an "
                        + "optimizer that goes by single numbers, such as AdamW"))
        }
        let rate = builder.input(Input("learning_rate", TensorType(.f32, [])))
        let clipped = Self.clipped(weights.map(grouped), toValue: clippingValue, norm: clippingNorm)
        var next = rule.appendUpdates(to: builder, clipped.map { division?.part(of: $0) ?? $0 }, rate: rate)
        if let division { next = division.update(clipped, with: next) }
        if let averageDecay {
            Self.appendAverages(to: builder, of: zip(clipped, next).map { ($0.name, $1) }, decay: averageDecay)
        }
    }

    /// Whether averages of weights are kept.
    package var keepsAverages: Bool { averageDecay != nil }
    /// Whether updates look at each number of a gradient alone, so that a rank needs its own part of it only.
    package var looksAtSingleGradients: Bool { rule.isElementwise && clippingNorm == nil }

    /// A weight with what its group says.
    private func grouped(_ weight: Weight) -> Weight {
        guard let group = groups.last(where: { $0.includes(weight.name) }) else { return weight }
        var weight = weight
        weight.learningRateScale *= group.learningRateScale
        weight.weightDecay = group.weightDecay
        return weight
    }

    private static func clipped(_ weights: [Weight], toValue value: Double?, norm: Double?) -> [Weight] {
        var weights = weights
        if let value {
            for index in weights.indices {
                weights[index].gradient = maximum(minimum(weights[index].gradient, value), -value)
            }
        }
        guard let norm, let length = length(weights.map(\.gradient)) else { return weights }
        let factor = minimum(norm / (length + 1e-6), 1)
        for index in weights.indices { weights[index].gradient = weights[index].gradient * factor }
        return weights
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
        rule.inputs(step: step).merging(["learning_rate": learningRate ?? self.learningRate]) { $1 }
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
        if let clippingValue, !(clippingValue > 0) {
            problems.append("the value \(clippingValue) to clip gradients to is not above 0")
        }
        if let sharpnessRadius, !(sharpnessRadius > 0) {
            problems.append("the radius \(sharpnessRadius) of sharpness-aware minimisation is not above 0")
        }
        problems += groups.flatMap(\.problems) + rule.problems
        return problems
    }
}

/// The Euclidean length of several tensors taken together, a scalar; nil of none.
package func length(_ tensors: [Tensor]) -> Tensor? {
    let squares = tensors.map(squareSum)
    return squares.first.map { sqrt(squares.dropFirst().reduce($0, +)) }
}

/// The sum of the squares of all elements, a scalar.
func squareSum(_ x: Tensor) -> Tensor { sum(x * x, axes: Array(x.shape.indices)) }

/// Which weights weight decay makes smaller, by name and shape.
public struct WeightDecayScope: Sendable {
    let includes: @Sendable (_ name: String, _ shape: [Int]) -> Bool

    /// Weights with two axes or more; biases and the weights of normalisations do not decay.
    public static let matricesOnly = WeightDecayScope { _, shape in shape.count > 1 }
    /// All weights.
    public static let all = WeightDecayScope { _, _ in true }
    /// The weights that a rule picks.
    public static func only(_ rule: @escaping @Sendable (_ name: String, _ shape: [Int]) -> Bool) -> WeightDecayScope {
        WeightDecayScope(includes: rule)
    }
}
