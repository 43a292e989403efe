import ApusIR

extension Optimizer {
    /// Gradients divided by the root of the mean of their squares (Hinton 2012), exactly as PyTorch's `RMSprop`; weight
    /// decay is added to the gradient.
    ///
    /// - Parameters:
    ///   - decay: Of the mean of squares.
    ///   - centered: Whether the square of the mean gradient is taken from it.
    public static func rmsProp(
        learningRate: Double = 0.01, decay: Double = 0.99, epsilon: Double = 1e-8, momentum: Double = 0,
        weightDecay: Double = 0, centered: Bool = false
    ) -> Optimizer {
        Optimizer(
            rule: RMSProp(
                decay: decay, epsilon: epsilon, momentum: momentum, weightDecay: weightDecay, isCentered: centered),
            learningRate: learningRate)
    }
}

struct RMSProp: UpdateRule {
    let decay: Double, epsilon: Double, momentum: Double, weightDecay: Double, isCentered: Bool

    var problems: [String] {
        var problems = negativeProblems([("epsilon", epsilon), ("weight decay", weightDecay)])
        if !(0..<1).contains(decay) { problems.append("the decay \(decay) is not in 0..<1") }
        if !(0..<1).contains(momentum) { problems.append("the momentum \(momentum) is not in 0..<1") }
        return problems
    }

    func appendUpdates(to builder: GraphBuilder, _ weights: [Optimizer.Weight], rate: Tensor) -> [Tensor] {
        weights.map { weight in
            let gradient = weight.decayedGradient(weightDecay)
            let square = weight.state("square_avg")
            let nextSquare = square * decay + gradient * gradient * (1 - decay)
            builder.update(square, with: nextSquare)
            var variance = nextSquare
            if isCentered {
                let mean = weight.state("grad_avg")
                let nextMean = mean * decay + gradient * (1 - decay)
                builder.update(mean, with: nextMean)
                variance = nextSquare - nextMean * nextMean
            }
            var direction = gradient / (sqrt(variance) + epsilon)
            if momentum != 0 {
                let velocity = weight.state("momentum_buffer")
                direction = velocity * momentum + direction
                builder.update(velocity, with: direction)
            }
            return weight.update(with: weight.parameter - direction * (rate * weight.learningRateScale))
        }
    }
}
