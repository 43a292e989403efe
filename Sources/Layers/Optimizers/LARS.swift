import ApusIR

extension Optimizer {
    /// Layer-wise adaptive rate scaling (You, Gitman, Ginsburg 2017), exactly as MAE's `LARS` for linear probing.
    ///
    /// Gradients of weights with two axes or more, decay included, get the length of their weight times the trust
    /// coefficient; others, such as biases, neither decay nor are scaled.
    public static func lars(
        learningRate: Double, momentum: Double = 0.9, weightDecay: Double = 0, trustCoefficient: Double = 0.001
    ) -> Optimizer {
        Optimizer(
            rule: LARS(momentum: momentum, weightDecay: weightDecay, trustCoefficient: trustCoefficient),
            learningRate: learningRate)
    }
}

struct LARS: UpdateRule {
    let momentum: Double, weightDecay: Double, trustCoefficient: Double
    var isElementwise: Bool { false }

    var problems: [String] {
        var problems = negativeProblems([("weight decay", weightDecay)])
        if !(0..<1).contains(momentum) { problems.append("the momentum \(momentum) is not in 0..<1") }
        if !(trustCoefficient > 0) { problems.append("the trust coefficient \(trustCoefficient) is not above 0") }
        return problems
    }

    func appendUpdates(to builder: GraphBuilder, _ weights: [Optimizer.Weight], rate: Tensor) -> [Tensor] {
        weights.map { weight in
            let velocity = weight.state("mu")
            let nextVelocity = velocity * momentum + direction(of: weight)
            let next = weight.parameter - nextVelocity * (rate * weight.learningRateScale)
            builder.update(velocity, with: nextVelocity)
            return weight.update(with: next)
        }
    }

    private func direction(of weight: Optimizer.Weight) -> Tensor {
        let parameter = weight.parameter
        guard parameter.rank > 1 else { return weight.gradient }
        let direction = weight.decayedGradient(weightDecay)
        let (length, step) = (sqrt(squareSum(parameter)), sqrt(squareSum(direction)))
        let zero = length.constant(0), one = length.constant(1)
        let scale = select(greater(step, zero), length * trustCoefficient / step, one)
        return direction * select(greater(length, zero), scale, one)
    }
}
