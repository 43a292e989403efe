import Apus

/// The recorded side of a few steps of training on one batch: weights, losses, gradients and how the weights moved.
struct RecordedTraining {
    /// Weights before the first step, position tables included.
    let weights: [String: TensorData]
    /// Recorded losses by step, counted from 1.
    private let losses: [Int: TensorData]
    private let gradients: [String: TensorData]
    /// Recorded weights after some of the steps.
    private let weightsAfter: [Int: [String: TensorData]]
    private let steps: Int
    private let learningRate: Double

    /// Takes what belongs to a model with these parameters from a recording of some steps.
    init(_ recording: inout Recording, parameters: [Parameter], steps: Int, learningRate: Double) throws(ReplayError) {
        self.steps = steps
        self.learningRate = learningRate
        var weights: [String: TensorData] = [:], gradients: [String: TensorData] = [:]
        for parameter in parameters {
            weights[parameter.name] = try recording.numbers("param.\(parameter.name)", parameter.type)
            guard parameter.trainable else { continue }
            gradients[parameter.name] = try recording.floats("grad.\(parameter.name)", parameter.type.shape)
        }
        var losses = [1: try recording.floats("expect.loss", [])]
        if steps > 1 { for step in 2...steps { losses[step] = try recording.floats("expect.loss.step\(step)", []) } }
        var weightsAfter: [Int: [String: TensorData]] = [:]
        if steps > 0 {
            for step in 1...steps
            where step == 1 || recording.remaining.contains(where: { $0.hasPrefix("after\(step).") }) {
                weightsAfter[step] = try Self.weights(&recording, after: step, parameters)
            }
        }
        (self.weights, self.losses, self.gradients, self.weightsAfter) = (weights, losses, gradients, weightsAfter)
    }

    /// The weights after a step: all that are trained, and of the others those that are there.
    private static func weights(
        _ recording: inout Recording, after step: Int, _ parameters: [Parameter]
    ) throws(ReplayError) -> [String: TensorData] {
        var weights: [String: TensorData] = [:]
        for parameter in parameters where parameter.trainable || recording.contains("after\(step).\(parameter.name)") {
            weights[parameter.name] = try recording.numbers("after\(step).\(parameter.name)", parameter.type)
        }
        return weights
    }

    /// Runs the steps from the recorded weights, and compares what was recorded of them.
    ///
    /// `observeFirst` makes more comparisons of the first step's results.
    func replay(
        _ program: CompiledStep, inputs: [String: TensorData], within tolerances: Tolerances,
        observeFirst: (StepReport) -> [Comparison]
    ) throws -> [Comparison] {
        let state = try program.makeState(seed: 0)
        for (name, weight) in weights { try state.write(name, weight) }
        var forward: [Comparison] = [], backward: [Comparison] = [], changes: [Comparison] = []
        for step in 1...max(steps, 1) {
            let report = try program.run(state, inputs)
            if let loss = losses[step] {
                forward.append(
                    tolerances.loss(
                        step == 1 ? "expect.loss" : "expect.loss.step\(step)", report["loss"]?.floats ?? [], loss.floats
                    ))
            }
            if step == 1 {
                forward += observeFirst(report)
                backward = compareGradients(report, tolerances)
            }
            if let recorded = weightsAfter[step] {
                changes += try compareChanges(state, recorded, after: step, tolerances)
            }
        }
        return forward + backward + changes
    }

    private func compareGradients(_ report: StepReport, _ tolerances: Tolerances) -> [Comparison] {
        gradients.sorted { $0.key < $1.key }.map { name, recorded in
            tolerances.gradient(
                "grad.\(name)", report["grad.\(name)"]?.floats ?? [], recorded.floats, largest: largestGradient)
        }
    }

    private func compareChanges(
        _ state: ProgramState, _ recorded: [String: TensorData], after step: Int, _ tolerances: Tolerances
    ) throws -> [Comparison] {
        try recorded.sorted { $0.key < $1.key }.map { name, weights in
            let gradient = gradients[name]?.floats
            let largest = gradient?.map(abs).max() ?? 0
            let isAllNoise = gradient.map { tolerances.isNoise($0, largestGradient) } ?? false
            return tolerances.change(
                "after\(step).\(name)", try state.read(name).floats, weights.floats,
                from: self.weights[name]?.floats ?? [],
                leeway: 2 * learningRate * Double(step)
            ) { index in
                guard let gradient else { return true }
                return !isAllNoise && Double(abs(gradient[index])) >= tolerances.uncertain * Double(largest)
            }
        }
    }

    private var largestGradient: Float { gradients.values.map { $0.floats.map(abs).max() ?? 0 }.max() ?? 0 }
}
