import Apus
import Foundation

/// The results of evaluations: `evaluation.json`, the table on the terminal, and files with predictions and features.
public struct EvaluationReport: Codable, Hashable, Sendable {
    /// One checkpoint on one path.
    public struct Result: Codable, Hashable, Sendable {
        /// `last`, `best`, or the path of a file.
        public var checkpoint: String
        /// The last epoch that the weights have seen, counted from 0.
        public var epoch: Int
        public var path: EvaluationPath
        public var loss: Double, accuracy: Double, top2Accuracy: Double, macroF1: Double, macroRecall: Double,
            meanAUC: Double?
        /// By class; nil where there is nothing to measure.
        public var auc: [Double?], recall: [Double?], f1: [Double?]
        /// Images by true class (rows) and predicted class (columns).
        public var confusion: [[Int]]
        /// Tokens that the encoder sees, the class token included.
        public var tokens: Int
        /// Billions of floating-point operations for one image, two to a multiply-add; without attention's matmuls;
        /// and of the attention map that the masked path is drawn by.
        public var gflops: Double, gflopsLinear: Double, mapGflops: Double?
        /// Milliseconds of classification, without reading images and computing attention maps.
        public var msPerImage: Double

        enum CodingKeys: String, CodingKey {
            case checkpoint, epoch, path, loss, accuracy, auc, recall, f1, confusion, tokens, gflops
            case top2Accuracy = "top2_accuracy", macroF1 = "macro_f1", macroRecall = "macro_recall", meanAUC =
                "mean_auc"
            case gflopsLinear = "gflops_linear", mapGflops = "map_gflops", msPerImage = "ms_per_image"
        }
    }

    /// The workflow that made the classifier.
    public var task: String
    public var classes: [String]
    public var images: Int
    /// The folder of the data that the images are from, such as `val`.
    public var part: String?
    public var results: [Result] = []

    public init(task: String, classes: [String], images: Int, part: String? = nil) {
        (self.task, self.classes, self.images, self.part) = (task, classes, images, part)
    }

    /// Adds an evaluation.
    public mutating func add(_ evaluation: Evaluation, _ cost: EvaluationCost, checkpoint: String, epoch: Int) {
        let metrics = evaluation.metrics
        func billions(_ multiplyAdds: Int) -> Double { Double(2 * multiplyAdds) / 1e9 }
        results.append(
            Result(
                checkpoint: checkpoint, epoch: epoch, path: evaluation.path, loss: evaluation.loss,
                accuracy: metrics.accuracy,
                top2Accuracy: metrics.top2Accuracy, macroF1: metrics.macroF1, macroRecall: metrics.macroRecall,
                meanAUC: metrics.meanAreaUnderROC,
                auc: metrics.areaUnderROC, recall: metrics.recall, f1: metrics.f1, confusion: metrics.confusion,
                tokens: cost.tokens,
                gflops: billions(cost.classification.total), gflopsLinear: billions(cost.classification.linear),
                mapGflops: cost.map.map { billions($0.total) }, msPerImage: evaluation.secondsPerImage * 1000))
    }

    /// Writes the report as JSON.
    public func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        try AtomicFile.write(String(decoding: encoder.encode(self), as: UTF8.self) + "\n", to: path)
    }

    /// Reads what ``write(to:)`` has written.
    public init(contentsOf path: String) throws {
        self = try JSONDecoder().decode(
            EvaluationReport.self, from: MappedFile(contentsOf: path).withBytes { Data($0) })
    }

    /// The metrics by checkpoint, path and name, for comparing runs of several seeds.
    public var numbers: [String: Double] {
        var numbers: [String: Double] = [:]
        for result in results {
            let metrics =
                [
                    ("loss", result.loss), ("accuracy", result.accuracy), ("top2_accuracy", result.top2Accuracy),
                    ("macro_f1", result.macroF1),
                    ("macro_recall", result.macroRecall),
                ] + (result.meanAUC.map { [("mean_auc", $0)] } ?? [])
            for (name, value) in metrics { numbers["\(result.checkpoint).\(result.path.rawValue).\(name)"] = value }
        }
        return numbers
    }

    // MARK: - Text

    /// A table with a row for each checkpoint and path, and a note on classes that have no area under the ROC curve.
    public var text: String {
        func digits(_ value: Double?) -> String { value.map { String(format: "%.4f", $0) } ?? "-" }
        let names = [
            "checkpoint", "epoch", "path", "loss", "accuracy", "top-2", "macro F1", "macro recall", "mean AUC",
            "tokens", "GFLOP", "map GFLOP", "ms",
        ]
        let rows =
            [names]
            + results.map { result in
                [result.checkpoint, String(result.epoch + 1), result.path.rawValue]
                    + [
                        result.loss, result.accuracy, result.top2Accuracy, result.macroF1, result.macroRecall,
                        result.meanAUC,
                    ].map(digits)
                    + [
                        String(result.tokens), String(format: "%.3f", result.gflops),
                        result.mapGflops.map { String(format: "%.3f", $0) } ?? "-",
                        String(format: "%.2f", result.msPerImage),
                    ]
            }
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        var lines = rows.map { row in
            row.indices.map { column in
                let space = String(repeating: " ", count: widths[column] - row[column].count)
                return [0, 2].contains(column) ? row[column] + space : space + row[column]
            }.joined(separator: "  ")
        }
        let absent = classes.indices.filter { number in results.contains { $0.auc[number] == nil } }.map { classes[$0] }
        if !absent.isEmpty {
            lines.append(
                "no area under the ROC curve, and left out of its mean: \(absent.joined(separator: ", ")) (all \(images) images are of it, or none)"
            )
        }
        return lines.joined(separator: "\n")
    }
}

extension Evaluation {
    /// Writes a line for each image: its path below the data's folder, the number of its class, and the probabilities
    /// of all classes.
    func writePredictions(to path: String, _ images: EvaluationImages) throws {
        let classes = images.classes.count
        var lines = ["image,label," + (0..<classes).map { "p\($0)" }.joined(separator: ",")]
        for (image, name) in images.names.enumerated() {
            let shares = probabilities[image * classes..<(image + 1) * classes].map { String($0) }
            lines.append(([CSVText.field(name), String(labels[image])] + shares).joined(separator: ","))
        }
        try AtomicFile.write(lines.joined(separator: "\n") + "\n", to: path)
    }

    /// Writes `features` [images, dim] and `labels` [images].
    func writeFeatures(to path: String) throws {
        let labels = labels.map { Int32($0) }
        try labels.withUnsafeBytes { bytes in
            try SafetensorsWriter.write(
                to: path,
                tensors: [
                    .init("features", [labels.count, features.count / max(labels.count, 1)], floats: features),
                    .init("labels", .i32, [labels.count], body: bytes),
                ])
        }
    }
}
