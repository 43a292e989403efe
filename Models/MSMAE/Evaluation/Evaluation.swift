import Apus
import Foundation

/// How a classifier looks at images when it is evaluated.
public enum EvaluationPath: String, Hashable, Sendable, CaseIterable, Codable {
    /// At all patches.
    case all
    /// At the patches that attention masking keeps, drawn by the model's own attention maps.
    case masked

    var masking: Masking? { self == .masked ? .attention : nil }
}

/// What a classifier made of some images.
public struct Evaluation: Sendable {
    public let path: EvaluationPath
    /// True classes, in the order of the images.
    public let labels: [Int]
    /// Class probabilities, [images, classes].
    public let probabilities: [Double]
    /// What the head reads, [images, dim].
    public let features: [Float]
    /// Mean cross entropy, without smoothing.
    public let loss: Double
    public let metrics: ClassificationMetrics
    /// Seconds that classification took for each image: a full batch at a time, without reading images and computing
    /// attention maps.
    public let secondsPerImage: Double

    /// Measures the scores of a classifier, [images, classes].
    package init(
        path: EvaluationPath, logits: [Float], features: [Float], labels: [Int], classes: Int, secondsPerImage: Double
    ) throws {
        (self.path, self.labels, self.features, self.secondsPerImage) = (path, labels, features, secondsPerImage)
        var probabilities: [Double] = []
        probabilities.reserveCapacity(logits.count)
        var loss = 0.0
        for (image, label) in labels.enumerated() {
            let row = logits[image * classes..<(image + 1) * classes].map(Double.init)
            let (shares, logSum) = Self.softmax(row)
            probabilities += shares
            loss += logSum - row[label]
        }
        self.probabilities = probabilities
        self.loss = loss / Double(max(labels.count, 1))
        metrics = try ClassificationMetrics(scores: probabilities, labels: labels, classes: classes)
    }

    /// Softmax of scores, and the logarithm of the sum that it divides by.
    static func softmax(_ scores: [Double]) -> (shares: [Double], logSum: Double) {
        let largest = scores.max() ?? 0
        let powers = scores.map { exp($0 - largest) }, sum = powers.reduce(0, +)
        return (powers.map { $0 / sum }, largest + log(sum))
    }

    /// Classes that have no area under the ROC curve: there are no images of them, or of nothing else.
    public var classesWithoutArea: [Int] { metrics.areaUnderROC.indices.filter { metrics.areaUnderROC[$0] == nil } }

    /// The fields of a line of the log.
    var logFields: [(String, RunLog.Value)] {
        [
            ("path", .text(path.rawValue)), ("loss", .number(loss)), ("accuracy", .number(metrics.accuracy)),
            ("top2_accuracy", .number(metrics.top2Accuracy)), ("macro_f1", .number(metrics.macroF1)),
            ("macro_recall", .number(metrics.macroRecall)),
            ("mean_auc", metrics.meanAreaUnderROC.map { .number($0) } ?? .null),
        ]
    }

    /// The loss and the accuracy in one line.
    var line: String {
        String(format: "%@ tokens: loss %.4f accuracy %.4f", path == .all ? "all" : "kept", loss, metrics.accuracy)
    }
}

/// What it costs to classify one image.
public struct EvaluationCost: Hashable, Sendable {
    /// Tokens that the encoder sees, the class token included.
    public let tokens: Int
    public let classification: ModelCost
    /// The attention map that the masked path is drawn by: a pass over all tokens but for the end of the last block.
    public let map: ModelCost?

    public init(tokens: Int, classification: ModelCost, map: ModelCost?) {
        (self.tokens, self.classification, self.map) = (tokens, classification, map)
    }
}
