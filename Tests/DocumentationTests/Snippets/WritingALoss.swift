import Apus
import Testing

// Shown in WritingALoss.md
/// What a prediction of the quantile q costs (Koenker and Bassett 1978): q for each unit that the target lies above it,
/// 1 − q for each below.
///
/// *Shapes*: two of one shape -> a scalar.
func quantileLoss(_ prediction: Tensor, _ target: Tensor, quantile q: Double) -> Tensor {
    let difference = target - prediction
    return mean(maximum(difference * q, difference * (q - 1)))
}
// Until here

// Shown in WritingALoss.md
/// The share of targets that lie below their prediction.
///
/// *Shapes*: two of one shape -> a scalar.
func coverage(_ prediction: Tensor, _ target: Tensor) -> Tensor {
    mean(less(target, prediction).cast(.float32))
}
// Until here

@Suite struct WritingALoss {
    @Test func aQuantileIsLearned() throws {
        // Shown in WritingALoss.md
        let step = TrainingStep(optimizer: .adam(learningRate: 0.05)) {
            let target = Input("y", [100, 1])
            let prediction = Linear(1, 1).named("fc")(Input("x", [100, 1]))
            Loss(quantileLoss(prediction, target, quantile: 0.9))
            Metric("coverage", coverage(prediction, target))
        }
        // Until here
        let program = try Compiler(threads: 1).compile(step), state = try program.makeState(seed: 0)
        let x = (0..<100).map { Float($0 % 10) / 10 }, y = x.indices.map { 2 * x[$0] + Float($0 / 10) / 10 }
        let inputs = ["x": try TensorData(x, shape: [100, 1]), "y": try TensorData(y, shape: [100, 1])]
        var report = try program.run(state, inputs)
        for _ in 0..<600 { report = try program.run(state, inputs) }
        let share = try #require(report["coverage"]?.scalar)
        #expect(abs(share - 0.9) < 0.07, "\(share)")
    }

    @Test func onNumbers() throws {
        // Shown in WritingALoss.md
        let step = InferenceStep {
            Output("loss", quantileLoss(Input("prediction", [2]), Input("target", [2]), quantile: 0.9))
        }
        let program = try Compiler().compile(step)
        let report = try program.run(
            program.makeState(seed: 0),
            ["prediction": TensorData([0, 0] as [Float]), "target": TensorData([1, -1] as [Float])])
        let loss = report["loss"]?.scalar  // (0.9 · 1 + 0.1 · 1) / 2
        // Until here
        #expect(loss.map { abs($0 - 0.5) < 1e-6 } == true)
    }

    @Test func ofSeveralParts() throws {
        // Shown in WritingALoss.md
        let step = TrainingStep(optimizer: .adamW(learningRate: 1e-3)) {
            let labels = Input("labels", [8], .int32)
            let features = GELU()(Linear(4, 16).named("fc1")(Input("x", [8, 4])))
            let logits = Linear(16, 3).named("fc2")(features)
            let error = crossEntropy(logits, labels), size = mean(abs(features))
            Loss(error + 0.01 * size)
            Metric("error", error)
            Metric("size", size)
        }
        // Until here
        #expect(try step.trace().metrics == ["error", "size"])
    }

    @Test func withoutAGradient() throws {
        do {
            // Shown in WritingALoss.md
            let step = TrainingStep(optimizer: .sgd(learningRate: 0.1)) {
                let logits = Linear(4, 3).named("fc")(Input("x", [8, 4]))
                Loss(1 - accuracy(logits, Input("labels", [8], .int32)))
            }
            _ = try Compiler().compile(step)
            // Until here
            Issue.record("no mistake")
        } catch {
            let text = "\(error)".replacing(#/WritingALoss\.swift:\d+/#, with: "WritingALoss.swift:2")
            #expect(try Page("WritingALoss.md").blocks("text").contains(text), "\(text)")
        }
    }
}
