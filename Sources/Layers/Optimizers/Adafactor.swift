import ApusIR
import Foundation

extension Optimizer {
    /// Second moments of matrices kept as one vector for rows and one for columns (Shazeer and Stern 2018), exactly as
    /// PyTorch's `Adafactor`, with decoupled weight decay. The memory beside the weights is next to nothing.
    ///
    /// - Parameters:
    ///   - learningRate: The largest relative step; after t steps it is 1/√t at most.
    ///   - decayPower: Moments of step t decay by 1 − t^decayPower.
    ///   - scaleFloor: The least size of a weight that steps are relative to.
    ///   - clippingThreshold: Root mean square of an update, above which it is scaled down.
    public static func adafactor(
        learningRate: Double = 0.01, decayPower: Double = -0.8, epsilon: Double = 0x1p-23, scaleFloor: Double = 1e-3,
        clippingThreshold: Double = 1, weightDecay: Double = 0
    ) -> Optimizer {
        Optimizer(
            rule: Adafactor(
                decayPower: decayPower, epsilon: epsilon, scaleFloor: scaleFloor, clippingThreshold: clippingThreshold,
                weightDecay: weightDecay), learningRate: learningRate)
    }
}

struct Adafactor: UpdateRule {
    let decayPower: Double, epsilon: Double, scaleFloor: Double, clippingThreshold: Double, weightDecay: Double
    var isElementwise: Bool { false }

    var problems: [String] {
        var problems = negativeProblems([("scale floor", scaleFloor), ("weight decay", weightDecay)])
        if !(decayPower <= 0) { problems.append("the power \(decayPower) of the decay is above 0") }
        if !(epsilon > 0) { problems.append("the epsilon \(epsilon) is not above 0") }
        if !(clippingThreshold > 0) { problems.append("the threshold \(clippingThreshold) is not above 0") }
        return problems
    }

    /// How much of the moments a step replaces, and the largest relative step.
    func inputs(step: Int) -> [String: Double] {
        [
            "adafactor_replaced": pow(Double(step), decayPower),
            "adafactor_step": 1 / Double(step).squareRoot(),
        ]
    }

    func appendUpdates(to builder: GraphBuilder, _ weights: [Optimizer.Weight], rate: Tensor) -> [Tensor] {
        let replaced = builder.input(Input("adafactor_replaced", TensorType(.f32, [])))
        let largestStep = builder.input(Input("adafactor_step", TensorType(.f32, [])))
        return weights.map { weight in
            let rate = rate * weight.learningRateScale, count = Double(weight.parameter.type.count).squareRoot()
            let size = maximum(sqrt(squareSum(weight.parameter)) * (1 / count), scaleFloor)
            let variance = maximum(variance(of: weight, replaced, builder), epsilon * epsilon)
            let direction = weight.gradient / sqrt(variance)
            let excess = maximum(sqrt(squareSum(direction)) * (1 / (count * clippingThreshold)), 1)
            let step = size * minimum(rate, largestStep) / excess
            return weight.update(with: weight.decayed(weightDecay, rate: rate) - direction * step)
        }
    }

    /// The estimated mean of squares of each number of the gradient; the moments move on.
    private func variance(of weight: Optimizer.Weight, _ replaced: Tensor, _ builder: GraphBuilder) -> Tensor {
        let squares = weight.gradient * weight.gradient, rank = squares.rank
        func moved(_ kind: String, _ current: Tensor) -> Tensor {
            let state = weight.state(kind, current.shape), next = state + (current - state) * replaced
            builder.update(state, with: next)
            return next
        }
        guard rank > 1 else { return moved("variance", squares) }
        let rows = moved("row_var", mean(squares, axes: [-1], keepAxes: true))
        let columns = moved("col_var", mean(squares, axes: [-2], keepAxes: true))
        return rows * columns / maximum(mean(rows, axes: [-2], keepAxes: true), epsilon)
    }
}
