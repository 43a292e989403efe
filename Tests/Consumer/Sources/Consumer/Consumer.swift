import Apus

/// Trains a small network to tell whether a point lies inside a circle, and says how well it does.
@main
struct Consumer {
    static let batch = 256

    static func main() throws {
        let step = TrainingStep(optimizer: .adamW(learningRate: 0.01)) {
            let points = Input("points", [batch, 2])
            let labels = Input("labels", [batch], .int32)
            let model = Sequential {
                Linear(2, 32)
                GELU()
                Linear(32, 2)
            }
            let logits = model(points)
            Loss(crossEntropy(logits, labels))
            Metric("accuracy", accuracy(logits, labels))
        }
        let program = try Compiler().compile(step)
        let state = try program.makeState(seed: 0)

        var random = CounterRandom(seed: 1, purpose: .init(rawValue: 16))
        var share: Float = 0
        for _ in 0..<300 {
            let coordinates = (0..<2 * batch).map { _ in Float(random.uniform()) * 2 - 1 }
            let labels = (0..<batch).map { point -> Int32 in
                let x = coordinates[2 * point], y = coordinates[2 * point + 1]
                return x * x + y * y < 0.6 ? 1 : 0
            }
            let report = try program.run(
                state, ["points": try TensorData(coordinates, shape: [batch, 2]), "labels": try TensorData(labels)])
            share = report["accuracy"]?.scalar ?? 0
        }
        print("accuracy \(share)")
        guard share > 0.9 else { throw Failure.notTrained(accuracy: share) }
    }

    enum Failure: Error {
        case notTrained(accuracy: Float)
    }
}
