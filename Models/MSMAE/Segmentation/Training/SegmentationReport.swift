import Apus
import Foundation

/// The results of evaluations of a segmentation: `evaluation.json`, and the table on the terminal.
public struct SegmentationReport: Codable, Hashable, Sendable {
    /// One checkpoint.
    public struct Result: Codable, Hashable, Sendable {
        /// `last`, `best`, or the path of a file.
        public var checkpoint: String
        /// The last epoch that the weights have seen, counted from 0.
        public var epoch: Int
        /// The encoder sees all tokens.
        public var path = EvaluationPath.all
        /// Intersection over union and F1 are means over classes, of the pixels of all images; and means over images.
        public var loss: Double, iou: Double, meanF1: Double, imageIoU: Double, imageF1: Double
        /// By class.
        public var classIoU: [Double], f1: [Double]
        /// Tokens that the encoder sees, and billions of floating-point operations for one image, two to a
        /// multiply-add.
        public var tokens: Int, gflops: Double
        /// Milliseconds without reading images.
        public var msPerImage: Double

        enum CodingKeys: String, CodingKey {
            case checkpoint, epoch, path, loss, iou, f1, tokens, gflops
            case meanF1 = "mean_f1", imageIoU = "image_iou", imageF1 = "image_f1", classIoU = "class_iou", msPerImage =
                "ms_per_image"
        }
    }

    public private(set) var task = RunKind.segment.rawValue
    public var classes: [String]
    public var images: Int
    public var results: [Result] = []

    public init(classes: [String], images: Int) { (self.classes, self.images) = (classes, images) }

    /// Writes the report as JSON.
    public func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        try AtomicFile.write(String(decoding: encoder.encode(self), as: UTF8.self) + "\n", to: path)
    }

    /// Reads what ``write(to:)`` has written.
    public init(contentsOf path: String) throws {
        self = try JSONDecoder().decode(
            SegmentationReport.self, from: MappedFile(contentsOf: path).withBytes { Data($0) })
    }

    /// The metrics by checkpoint and name, for comparing runs of several seeds.
    public var numbers: [String: Double] {
        var numbers: [String: Double] = [:]
        for result in results {
            let metrics = [
                ("loss", result.loss), ("iou", result.iou), ("f1", result.meanF1), ("image_iou", result.imageIoU),
                ("image_f1", result.imageF1),
            ]
            for (name, value) in metrics { numbers["\(result.checkpoint).\(name)"] = value }
        }
        return numbers
    }

    /// A table with a row for each checkpoint, and one for each class where there are several.
    public var text: String {
        func digits(_ value: Double) -> String { String(format: "%.4f", value) }
        let rows =
            [["checkpoint", "epoch", "loss", "IoU", "F1", "IoU by image", "F1 by image", "GFLOP", "ms"]]
            + results.flatMap { result in
                let whole =
                    [result.checkpoint, String(result.epoch + 1)]
                    + [result.loss, result.iou, result.meanF1, result.imageIoU, result.imageF1].map(digits)
                    + [String(format: "%.3f", result.gflops), String(format: "%.2f", result.msPerImage)]
                let byClass = classes.indices.map { number in
                    [
                        "  " + classes[number], "", "", digits(result.classIoU[number]), digits(result.f1[number]), "",
                        "", "", "",
                    ]
                }
                return [whole] + (classes.count > 1 ? byClass : [])
            }
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            let cells = row.indices.map { column in
                let space = String(repeating: " ", count: widths[column] - row[column].count)
                return column == 0 ? row[column] + space : space + row[column]
            }
            return String(cells.joined(separator: "  ").reversed().drop { $0 == " " }.reversed())
        }.joined(separator: "\n")
    }
}
