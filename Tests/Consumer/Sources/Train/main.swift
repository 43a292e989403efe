import Apus
import Spirals

let epochs = 20
let step = TrainingStep("spirals", optimizer: .adamW(learningRate: 0.005)) {
    let labels = Input("labels", [64], .int32)
    let logits = Classifier()(Input("points", [64, 2]))
    Loss(crossEntropy(logits, labels))
    Metric("accuracy", accuracy(logits, labels))
}
print(try step.summary())

let validated = try spirals(500, seed: 2)
let result = try fit(
    step, spirals(2000, seed: 1), in: "run", settings: FitSettings(epochs: epochs),
    schedule: .cosine(base: 0.005, epochs: Double(epochs)),
    validation: Validation(classes(batch: 100), validated) { outputs in try accuracy(of: outputs, on: validated) })
try result.state.saveWeights(to: "spirals.safetensors")
print("best validation \(result.best?.score ?? 0)")
