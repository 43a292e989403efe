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

    /// Takes what belongs to a model with these parameters from a recording.
    init(_ recording: inout Recording, parameters: [Parameter], steps: Int) throws(ReplayError) {
        self.steps = steps
        var weights: [String: TensorData] = [:], gradients: [String: TensorData] = [:]
        for parameter in parameters {
            weights[parameter.name] = try recording.floats("param.\(parameter.name)", parameter.type.shape)
            guard parameter.trainable else { continue }
            gradients[parameter.name] = try recording.floats("grad.\(parameter.name)", parameter.type.shape)
        }
        var losses = [1: try recording.floats("expect.loss", [])]
        if steps > 1 { for step in 2...steps { losses[step] = try recording.floats("expect.loss.step\(step)", []) } }
        var weightsAfter: [Int: [String: TensorData]] = [:]
        if steps > 0 {
            for step in 1...steps where step == 1 || recording.remaining.contains(where: { $0.hasPrefix("after\(step).") }) {
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
            weights[parameter.name] = try recording.floats("after\(step).\(parameter.name)", parameter.type.shape)
        }
        return weights
    }

    /// Runs the steps from the recorded weights, and compares what was recorded of them.
    ///
    /// `observeFirst` makes more comparisons of the first step's results.
    func replay(
        _ program: CompiledStep, inputs: [String: TensorData], observeFirst: (StepReport) -> [Comparison]
    ) throws -> [Comparison] {
        let state = try program.makeState(seed: 0)
        for (name, weight) in weights { try state.write(name, weight) }
        var forward: [Comparison] = [], backward: [Comparison] = [], changes: [Comparison] = []
        for step in 1...max(steps, 1) {
            let report = try program.run(state, inputs)
            if let loss = losses[step] {
                forward.append(.forward(step == 1 ? "expect.loss" : "expect.loss.step\(step)", report["loss"]?.floats ?? [], loss.floats))
            }
            if step == 1 {
                forward += observeFirst(report)
                backward = compareGradients(report)
            }
            if let recorded = weightsAfter[step] { changes += try compareChanges(state, recorded, after: step) }
        }
        return forward + backward + changes
    }

    private func compareGradients(_ report: StepReport) -> [Comparison] {
        gradients.sorted { $0.key < $1.key }.map { name, recorded in
            .gradient("grad.\(name)", report["grad.\(name)"]?.floats ?? [], recorded.floats, largest: largestGradient)
        }
    }

    private func compareChanges(_ state: ProgramState, _ recorded: [String: TensorData], after step: Int) throws -> [Comparison] {
        try recorded.sorted { $0.key < $1.key }.map { name, weights in
            // The first updates divide by the gradient's size, so those of noise are noise of full size.
            let gradient = gradients[name]?.floats
            let largest = gradient?.map(abs).max() ?? 0
            let isAllNoise = gradient.map { Comparison.isNoise($0, largestGradient) } ?? false
            return .change(
                "after\(step).\(name)", try state.read(name).floats, weights.floats, from: self.weights[name]?.floats ?? []
            ) { index in
                guard let gradient else { return true }
                return !isAllNoise && Double(abs(gradient[index])) >= Tolerance.noise * Double(largest)
            }
        }
    }

    private var largestGradient: Float { gradients.values.map { $0.floats.map(abs).max() ?? 0 }.max() ?? 0 }
}
