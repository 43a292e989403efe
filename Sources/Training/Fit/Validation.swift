import ApusLayers
import ApusRuntime

/// How a model that is being trained is measured after each epoch.
public struct Validation {
    /// Which scores are better.
    public typealias Goal = PlateauSchedule.Goal

    let step: InferenceStep
    let data: any DataSource
    let goal: Goal
    let score: ([String: TensorData]) throws -> Double

    /// - Parameters:
    ///   - step: What is computed of the data; its inputs are taken from there.
    ///   - data: All of its samples are predicted, in order, batch by batch.
    ///   - goal: Whether larger scores are better, as of an accuracy, or smaller ones, as of a loss.
    ///   - score: What the outputs, by name and with all samples along the first axis, are worth.
    public init(
        _ step: InferenceStep, _ data: any DataSource, goal: Goal = .larger,
        score: @escaping ([String: TensorData]) throws -> Double
    ) {
        (self.step, self.data, self.goal, self.score) = (step, data, goal, score)
    }

    /// Whether a score is better than the best so far; any number is better than NaN.
    func isBetter(_ score: Double, than best: Double?) -> Bool {
        guard let best else { return true }
        guard !best.isNaN else { return !score.isNaN }
        return goal == .larger ? score > best : score < best
    }
}
