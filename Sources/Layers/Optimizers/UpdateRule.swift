import ApusIR

/// How one step changes weights by their gradients: the formula of an optimizer, with its constants.
protocol UpdateRule: Sendable {
    /// What is wrong with the constants.
    var problems: [String] { get }
    /// Whether each number of a weight follows its own gradient and state alone, whatever the others are.
    var isElementwise: Bool { get }
    /// Values of the scalar inputs for a step, counted from 1, beside the learning rate.
    func inputs(step: Int) -> [String: Double]
    /// Appends the updates of weights and of the state that is kept about them, and returns the new weights.
    func appendUpdates(to builder: GraphBuilder, _ weights: [Optimizer.Weight], rate: Tensor) -> [Tensor]
}

extension UpdateRule {
    func inputs(step: Int) -> [String: Double] { [:] }
    var isElementwise: Bool { true }
}

extension Optimizer.Weight {
    /// What an optimizer keeps about the weight: zeros at first.
    func state(_ kind: String, _ shape: [Int]? = nil) -> Tensor {
        parameter.builder.parameter(
            Parameter(
                "optimizer.\(kind).\(name)", parameter.type.with(shape: shape ?? parameter.shape), .zeros,
                trainable: false))
    }

    /// The gradient with weight decay as a part of it.
    func decayedGradient(_ decay: Double) -> Tensor {
        let decay = weightDecay ?? decay
        return decay == 0 ? gradient : gradient + parameter * decay
    }

    /// The weight, made smaller by weight decay beside the step of the gradient (Loshchilov and Hutter 2017).
    func decayed(_ decay: Double, rate: Tensor) -> Tensor {
        let decay = weightDecay ?? decay
        return decay == 0 ? parameter : parameter * (1 - rate * decay)
    }

    /// Makes the new content of the weight, and returns it; of a part, the whole is updated when all parts are there.
    func update(with next: Tensor) -> Tensor {
        if !isPart { parameter.builder.update(parameter, with: next) }
        return next
    }
}

/// What is wrong with numbers that must not be negative.
func negativeProblems(_ numbers: [(name: String, value: Double)]) -> [String] {
    numbers.filter { !($0.value >= 0) }.map { "the \($0.name) \($0.value) is negative" }
}
