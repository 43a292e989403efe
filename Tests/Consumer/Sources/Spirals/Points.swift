import Apus
import Foundation

/// Points of two spirals around each other, with a little noise, and on which of them each lies; a seed always gives
/// the same points.
public func spirals(_ count: Int, seed: UInt64) throws -> ArrayData {
    var random = CounterRandom(seed: seed, purpose: .init(rawValue: 16))
    var points: [Double] = [], labels: [Int] = []
    for _ in 0..<count {
        let label = random.integer(below: 2), turn = random.uniform(in: 0.25...1.5)
        let angle = 2 * Double.pi * (turn + Double(label) / 2)
        points.append(turn / 1.5 * Foundation.cos(angle) + random.uniform(in: -0.02...0.02))
        points.append(turn / 1.5 * Foundation.sin(angle) + random.uniform(in: -0.02...0.02))
        labels.append(label)
    }
    return try ArrayData(["points": TensorData(points, shape: [count, 2]), "labels": TensorData(labels)])
}

/// The classes that the model gives to points.
public func classes(batch: Int) -> InferenceStep {
    InferenceStep("spirals") { Output("class", argmax(Classifier()(Input("points", [batch, 2])))) }
}

/// The share of the points whose class is that of their label.
public func accuracy(of outputs: [String: TensorData], on data: ArrayData) throws -> Double {
    var matrix = ConfusionMatrix(classes: 2)
    try matrix.add(predicted: outputs["class"]?.integers ?? [], labels: data.tensors["labels"]?.integers ?? [])
    return matrix.accuracy ?? 0
}
