import Apus

/// Tells whether a point of the plane lies inside of a circle.
struct Classifier: Layer {  // [batch, 2] -> logits [batch, 2]
    var body: some Layer {
        Linear(2, 32).named("fc1")
        GELU()
        Residual {
            LayerNorm(32).named("norm")
            Linear(32, 32).named("fc2")
            GELU()
        }
        Linear(32, 2).named("head")
    }
}

let batch = 256
let step = TrainingStep(optimizer: .adamW(learningRate: 0.01)) {
    let points = Input("points", [batch, 2])
    let labels = Input("labels", [batch], .int32)
    let logits = Classifier()(points)  // a layer is called on a symbolic tensor
    Loss(crossEntropy(logits, labels))
    Metric("accuracy", accuracy(logits, labels))
}
let program = try Compiler().compile(step)  // one native program for the whole step
let state = try program.makeState(seed: 0)

for number in 1...200 {
    var points: [Float] = [], labels: [Int] = []
    for _ in 0..<batch {
        let (x, y) = (Float.random(in: -1...1), Float.random(in: -1...1))
        points += [x, y]
        labels.append(x * x + y * y < 0.6 ? 1 : 0)
    }
    let inputs = ["points": try TensorData(points, shape: [batch, 2]), "labels": try TensorData(labels)]
    let report = try program.run(state, inputs)
    if number % 50 == 0 { print("step \(number): loss \(report.loss), accuracy \(report["accuracy"]?.scalar ?? 0)") }
}
try state.saveWeights(to: "circle.safetensors")  // fc1.weight, fc1.bias, norm.weight, …
