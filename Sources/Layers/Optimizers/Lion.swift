import ApusIR

extension Optimizer {
    /// The sign of interpolated momentum (Chen et al. 2023, algorithm 2), with decoupled weight decay.
    public static func lion(learningRate: Double, betas: (Double, Double) = (0.9, 0.99), weightDecay: Double = 0)
        -> Optimizer
    {
        Optimizer(
            rule: Lion(beta1: betas.0, beta2: betas.1, weightDecay: weightDecay), learningRate: learningRate)
    }
}

struct Lion: UpdateRule {
    let beta1: Double, beta2: Double, weightDecay: Double

    var problems: [String] {
        var problems = negativeProblems([("weight decay", weightDecay)])
        for beta in [beta1, beta2] where !(0..<1).contains(beta) { problems.append("the beta \(beta) is not in 0..<1") }
        return problems
    }

    func appendUpdates(to builder: GraphBuilder, _ weights: [Optimizer.Weight], rate: Tensor) -> [Tensor] {
        weights.map { weight in
            let rate = rate * weight.learningRateScale, mean = weight.state("exp_avg")
            let direction = mean * beta1 + weight.gradient * (1 - beta1), zero = direction.constant(0)
            let sign = select(
                greater(direction, zero), direction.constant(1),
                select(less(direction, zero), direction.constant(-1), direction))
            builder.update(mean, with: mean * beta2 + weight.gradient * (1 - beta2))
            return weight.update(with: weight.decayed(weightDecay, rate: rate) - sign * rate)
        }
    }
}
