import ApusIR

extension Optimizer {
    /// Stochastic gradient descent, exactly as PyTorch's `SGD`; weight decay is added to the gradient.
    public static func sgd(learningRate: Double, momentum: Double = 0, weightDecay: Double = 0, nesterov: Bool = false)
        -> Optimizer
    {
        Optimizer(
            rule: .sgd(StochasticGradientDescent(momentum: momentum, weightDecay: weightDecay, nesterov: nesterov)),
            learningRate: learningRate)
    }
}

struct StochasticGradientDescent: Sendable {
    let momentum: Double, weightDecay: Double, nesterov: Bool

    var problems: [String] {
        var problems: [String] = []
        if !(0..<1).contains(momentum) { problems.append("the momentum \(momentum) is not in 0..<1") }
        if !(weightDecay >= 0) { problems.append("the weight decay \(weightDecay) is negative") }
        if nesterov, momentum == 0 { problems.append("Nesterov's method needs a momentum") }
        return problems
    }

    /// Appends the updates and returns the new weights.
    func appendUpdates(to builder: GraphBuilder, _ weights: [Optimizer.Weight], rate: Tensor) -> [Tensor] {
        weights.map { weight in
            var direction = weight.gradient
            if weightDecay != 0 { direction = direction + weight.parameter * weightDecay }
            if momentum != 0 {
                let velocity = builder.parameter(
                    Parameter("optimizer.momentum.\(weight.name)", weight.parameter.type, .zeros, trainable: false))
                let nextVelocity = velocity * momentum + direction
                builder.update(velocity, with: nextVelocity)
                direction = nesterov ? direction + nextVelocity * momentum : nextVelocity
            }
            let next = weight.parameter - direction * (rate * weight.learningRateScale)
            builder.update(weight.parameter, with: next)
            return next
        }
    }
}
