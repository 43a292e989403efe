import ApusIR
import Foundation

extension Optimizer {
    /// Adam with decoupled weight decay (Loshchilov and Hutter 2017), exactly as PyTorch's `AdamW`.
    public static func adamW(
        learningRate: Double, betas: (Double, Double) = (0.9, 0.999), epsilon: Double = 1e-8,
        weightDecay: Double = 0.01,
        decays: WeightDecayScope = .matricesOnly
    ) -> Optimizer {
        Optimizer(
            rule: Adam(
                beta1: betas.0, beta2: betas.1, epsilon: epsilon, weightDecay: weightDecay, isDecoupled: true,
                decays: decays),
            learningRate: learningRate)
    }

    /// Adam (Kingma and Ba 2014), exactly as PyTorch's `Adam`; weight decay is added to the gradient of all weights.
    public static func adam(
        learningRate: Double, betas: (Double, Double) = (0.9, 0.999), epsilon: Double = 1e-8, weightDecay: Double = 0
    ) -> Optimizer {
        Optimizer(
            rule: Adam(
                beta1: betas.0, beta2: betas.1, epsilon: epsilon, weightDecay: weightDecay, isDecoupled: false,
                decays: .all),
            learningRate: learningRate)
    }
}

struct Adam: UpdateRule {
    let beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double
    /// Whether decay makes weights smaller, beside the gradient's step, rather than being part of the gradient.
    let isDecoupled: Bool
    let decays: WeightDecayScope

    var problems: [String] {
        var problems = negativeProblems([("epsilon", epsilon), ("weight decay", weightDecay)])
        for beta in [beta1, beta2] where !(0..<1).contains(beta) { problems.append("the beta \(beta) is not in 0..<1") }
        return problems
    }

    /// Inputs that make up for means which start at 0: 1 − βᵗ, which loses its digits in f32 if it is computed there.
    func inputs(step: Int) -> [String: Double] {
        ["adam_correction1": 1 - pow(beta1, Double(step)), "adam_correction2": 1 - pow(beta2, Double(step))]
    }

    func appendUpdates(to builder: GraphBuilder, _ weights: [Optimizer.Weight], rate: Tensor) -> [Tensor] {
        let correction1 = builder.input(Input("adam_correction1", TensorType(.f32, [])))
        let deviationScale = sqrt(builder.input(Input("adam_correction2", TensorType(.f32, []))))
        return weights.map { weight in
            let (parameter, rate) = (weight.parameter, rate * weight.learningRateScale)
            let decay = decays.includes(weight.name, weight.shape) ? weightDecay : 0
            let gradient = isDecoupled ? weight.gradient : weight.decayedGradient(decay)
            let (mean, square) = (weight.state("exp_avg"), weight.state("exp_avg_sq"))
            let nextMean = mean * beta1 + gradient * (1 - beta1)
            let nextSquare = square * beta2 + gradient * gradient * (1 - beta2)
            builder.update(mean, with: nextMean)
            builder.update(square, with: nextSquare)
            let decayed = isDecoupled ? weight.decayed(decay, rate: rate) : parameter
            // m / (√v/s + ε) = m·s / (√v + ε·s): one division for each weight instead of two (Kingma and Ba 2014, end
            // of section 2).
            let deviation = sqrt(nextSquare) + deviationScale * epsilon
            return weight.update(with: decayed - nextMean / deviation * (rate * deviationScale / correction1))
        }
    }
}
