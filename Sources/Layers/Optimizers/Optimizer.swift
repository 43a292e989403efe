import ApusIR

/// How weights follow their gradients: a rule with its constants. Its state and its updates become part of the graph.
///
/// The learning rate, and what else changes from step to step, are scalar inputs of the graph, so that a schedule
/// needs no compilation; ``inputs(step:learningRate:)`` has their values.
public struct Optimizer: Sendable {
    enum Rule: Sendable {
        case sgd(StochasticGradientDescent)
        case adamW(AdamW)
    }

    let rule: Rule
    /// The learning rate where no schedule says otherwise.
    public let learningRate: Double

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
    /// State is declared as parameters that are not trainable, named `optimizer.`, what it is, and the weight's name.
    public func appendUpdates(to builder: GraphBuilder, _ weights: [Weight]) {
        let rate = builder.input(Input("learning_rate", TensorType(.f32, [])))
        switch rule {
        case .sgd(let rule): rule.appendUpdates(to: builder, weights, rate: rate)
        case .adamW(let rule): rule.appendUpdates(to: builder, weights, rate: rate)
        }
    }

    /// Values of the scalar inputs for a step, counted from 1.
    public func inputs(step: Int, learningRate: Double? = nil) -> [String: Double] {
        let rate = ["learning_rate": learningRate ?? self.learningRate]
        return switch rule {
        case .sgd: rate
        case .adamW(let rule): rate.merging(rule.corrections(step: step)) { $1 }
        }
    }

    /// What is wrong with the constants.
    var problems: [String] {
        let rate = learningRate.isFinite && learningRate >= 0 ? [] : ["the learning rate \(learningRate) is not a number from 0 on"]
        return switch rule {
        case .sgd(let rule): rate + rule.problems
        case .adamW(let rule): rate + rule.problems
        }
    }
}

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
