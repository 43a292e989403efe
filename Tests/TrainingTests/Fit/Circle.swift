import Apus
import Foundation

/// Points of the plane, and whether they lie inside of a circle: something to train on in a moment.
enum Circle {
    static func points(_ count: Int, seed: UInt64) throws -> ArrayData {
        var random = CounterRandom(seed: seed, purpose: .init(rawValue: 21))
        let coordinates = (0..<2 * count).map { _ in Float(random.uniform() * 2 - 1) }
        let labels = (0..<count).map { point -> Int32 in
            let (x, y) = (coordinates[2 * point], coordinates[2 * point + 1])
            return x * x + y * y < 0.6 ? 1 : 0
        }
        return try ArrayData([
            "points": TensorData(coordinates, shape: [count, 2]), "labels": TensorData(labels),
        ])
    }

    struct Classifier: Layer {
        var width = 16, depth = 1
        var body: some Layer {
            Linear(2, width)
            for _ in 0..<depth {
                Tanh()
                Dropout(0.05)
                Linear(width, width).named("hidden")
            }
            Linear(width, 2).named("head")
        }
    }

    static func step(batch: Int = 16, width: Int = 16, depth: Int = 1) -> TrainingStep {
        TrainingStep("circle", optimizer: .adamW(learningRate: 0.02)) {
            let labels = Input("labels", [batch], .int32)
            let logits = Classifier(width: width, depth: depth)(Input("points", [batch, 2]))
            Loss(crossEntropy(logits, labels))
            Metric("accuracy", accuracy(logits, labels))
        }
    }

    static func validation(_ data: ArrayData) -> Validation {
        let step = InferenceStep { Output("class", argmax(Classifier()(Input("points", [32, 2])))) }
        return Validation(step, data) { outputs in
            let found = outputs["class"]?.integers ?? [], labels = data.tensors["labels"]?.integers ?? []
            return Double(zip(found, labels).count { $0 == $1 }) / Double(labels.count)
        }
    }

    static func settings(epochs: Int, seed: Int = 3) -> FitSettings {
        var settings = FitSettings(epochs: epochs, seed: seed)
        (settings.products, settings.threads) = (.generated, 1)
        return settings
    }
}

/// A source that says when it is asked, and that can be out of order.
struct Watched: DataSource {
    let samples: ArrayData
    /// Called before each batch; what it throws, the batch throws.
    let asked: @Sendable (_ samples: [Int], _ epoch: Int) throws -> Void
    var count: Int { samples.count }
    func batch(_ places: [Int], epoch: Int) throws -> [String: TensorData] {
        try asked(places, epoch)
        return try samples.batch(places, epoch: epoch)
    }
    func name(of sample: Int) -> String { "point \(sample)" }
}

/// The message of what a body throws.
func message(_ body: () throws -> Void) -> String {
    do {
        try body()
        return "no error"
    } catch { return "\(error)" }
}

/// Whether two runs have ended with the same bits.
func haveSameBits(_ a: ProgramState, _ b: ProgramState) throws -> Bool {
    try a.names == b.names && a.names.allSatisfy { try a.read($0) == b.read($0) }
}

/// The learning rates of the epochs of a run.
func rates(ofRun folder: String) throws -> [Double] {
    try String(contentsOfFile: folder + "/log.jsonl", encoding: .utf8).split(separator: "\n").compactMap { line in
        let fields = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        return fields?["event"] as? String == "epoch" ? fields?["lr"] as? Double : nil
    }
}
