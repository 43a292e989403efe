import Foundation

/// What `evaluation.json` says of a run's checkpoints.
public struct RecordedEvaluation: Hashable, Sendable, Decodable {
    /// The numbers of one checkpoint, looking at all tokens or at the kept ones.
    public struct Result: Hashable, Sendable, Decodable {
        /// `last`, `best`, or the path of a file.
        public let checkpoint: String
        public let epoch: Int?
        /// `all` or `masked`.
        public let path: String
        let loss: Lenient?, accuracy: Lenient?, top2Accuracy: Lenient?, macroF1: Lenient?, macroRecall: Lenient?, meanAUC: Lenient?
        let iou: Lenient?, meanF1: Lenient?
        /// Of each class; nil for a class that has none.
        let auc: [Lenient]?, recall: [Lenient]?, f1: [Lenient]?
        /// Rows are true classes.
        public let confusion: [[Int]]?
        public let tokens: Int?
        let msPerImage: Lenient?

        enum CodingKeys: String, CodingKey {
            case checkpoint, epoch, path, loss, accuracy, iou, auc, recall, f1, confusion, tokens
            case top2Accuracy = "top2_accuracy", macroF1 = "macro_f1", macroRecall = "macro_recall", meanAUC = "mean_auc"
            case meanF1 = "mean_f1", msPerImage = "ms_per_image"
        }
    }

    public let task: String?
    public let classes: [String]
    public let images: Int?
    public let results: [Result]

    /// A number that may be missing, or written as a text because it is not finite.
    struct Lenient: Hashable, Sendable, Decodable {
        let value: Double?

        init(from decoder: any Swift.Decoder) throws {
            let container = try decoder.singleValueContainer()
            if container.decodeNil() {
                value = nil
            } else if let text = try? container.decode(String.self) {
                value = text.hasSuffix("Infinity") ? (text.hasPrefix("-") ? -.infinity : .infinity) : .nan
            } else {
                value = try container.decode(Double.self)
            }
        }
    }

    init(contentsOf path: String) throws(RunRecordError) {
        func broken(_ reason: String) -> RunRecordError { .broken(path: path, line: nil, reason: reason) }
        guard let data = FileManager.default.contents(atPath: path) else { throw .unreadable(path: path) }
        do {
            self = try JSONDecoder().decode(RecordedEvaluation.self, from: data)
        } catch let DecodingError.keyNotFound(key, context) {
            throw broken("'\(Self.place(context.codingPath + [key]))' is missing")
        } catch let DecodingError.typeMismatch(_, context) {
            throw broken("'\(Self.place(context.codingPath))' has the wrong type")
        } catch let DecodingError.valueNotFound(_, context) {
            throw broken("'\(Self.place(context.codingPath))' has no value")
        } catch {
            throw broken("it is no JSON object of results")
        }
        for (number, result) in results.enumerated() {
            let count = classes.count
            if let confusion = result.confusion, confusion.count != count || confusion.contains(where: { $0.count != count || $0.contains { $0 < 0 } }) {
                throw broken("'results.\(number).confusion' is no table of \(count) times \(count) counts")
            }
            for (name, values) in [("auc", result.auc), ("recall", result.recall), ("f1", result.f1)] where values.map({ $0.count != count }) ?? false {
                throw broken("'results.\(number).\(name)' has not one number for each of \(count) classes")
            }
        }
    }

    private static func place(_ path: [any CodingKey]) -> String {
        path.map { $0.intValue.map { String($0) } ?? $0.stringValue }.joined(separator: ".")
    }

    /// The result of a checkpoint on a path.
    public func result(_ checkpoint: String, _ path: String) -> Result? {
        results.first { $0.checkpoint == checkpoint && $0.path == path }
    }
}
