import ApusIR

extension Optimizer {
    /// Stochastic gradient descent, exactly as PyTorch's `SGD`; weight decay is added to the gradient.
    public static func sgd(learningRate: Double, momentum: Double = 0, weightDecay: Double = 0, nesterov: Bool = false)
        -> Optimizer
    {
        Optimizer(
            rule: StochasticGradientDescent(momentum: momentum, weightDecay: weightDecay, nesterov: nesterov),
            learningRate: learningRate)
    }
}

struct StochasticGradientDescent: UpdateRule {
    let momentum: Double, weightDecay: Double, nesterov: Bool

    var problems: [String] {
        var problems = negativeProblems([("weight decay", weightDecay)])
        if !(0..<1).contains(momentum) { problems.append("the momentum \(momentum) is not in 0..<1") }
        if nesterov, momentum == 0 { problems.append("Nesterov's method needs a momentum") }
        return problems
    }

    func appendUpdates(to builder: GraphBuilder, _ weights: [Optimizer.Weight], rate: Tensor) -> [Tensor] {
        weights.map { weight in
            var direction = weight.decayedGradient(weightDecay)
            if momentum != 0 {
                let velocity = weight.state("momentum")
                let nextVelocity = velocity * momentum + direction
                builder.update(velocity, with: nextVelocity)
                direction = nesterov ? direction + nextVelocity * momentum : nextVelocity
            }
            return weight.update(with: weight.parameter - direction * (rate * weight.learningRateScale))
        }
    }
}
