import Apus
import Foundation

/// What a classifier has said of each image: a file of lines `image,label,p0,p1,...`.
public struct Predictions: Hashable, Sendable {
    public private(set) var labels: [Int] = []
    /// Probabilities [images, classes].
    public private(set) var scores: [Double] = []
    public let classes: Int

    init(contentsOf path: String) throws(RunRecordError) {
        guard let text = try? TextFile.read(path) else { throw .unreadable(path: path) }
        var records = CSVText.records(text)[...]
        let header = records.popFirst()?.fields ?? []
        guard header.count >= 3, header == ["image", "label"] + (0..<header.count - 2).map({ "p\($0)" }) else {
            throw .broken(path: path, line: 1, reason: "the first line is not 'image,label,p0,p1,...'")
        }
        classes = header.count - 2
        for (line, fields) in records {
            func broken(_ reason: String) -> RunRecordError { .broken(path: path, line: line, reason: reason) }
            // Names with commas were not in quotes once: what counts is behind them.
            guard fields.count >= header.count else {
                throw broken("it has \(fields.count) fields where the first line has \(header.count)")
            }
            guard let label = Int(fields[fields.count - classes - 1]), (0..<classes).contains(label) else {
                throw broken("'\(fields[fields.count - classes - 1])' is no class from 0 to \(classes - 1)")
            }
            for field in fields.suffix(classes) {
                guard let score = Double(field), score.isFinite else { throw broken("'\(field)' is no probability") }
                scores.append(score)
            }
            labels.append(label)
        }
    }

    /// The ROC curve of a class against all others; nil if there are no images of the class, or no others.
    func curve(of number: Int) -> (area: Double, points: [ROC.Point])? {
        let scores = labels.indices.map { self.scores[$0 * classes + number] }, isPositive = labels.map { $0 == number }
        // Scores were found to be finite, and one for each image, when they were read.
        guard let area = try? ROC.area(scores: scores, isPositive: isPositive),
            let points = try? ROC.curve(scores: scores, isPositive: isPositive)
        else { return nil }
        return (area, points)
    }
}

/// The features that a classifier's head has read, with the classes of the images.
public struct RecordedFeatures: Hashable, Sendable {
    /// [images, dimensions]
    public let features: [Float]
    public let labels: [Int]
    public let dimensions: Int

    init(contentsOf path: String) throws(RunRecordError) {
        func broken(_ reason: String) -> RunRecordError { .broken(path: path, line: nil, reason: reason) }
        let shape: [Int]
        do throws(SafetensorsError) {
            let file = try SafetensorsFile(contentsOf: path)
            (shape, features, labels) = (
                try file.shape("features"), try file.floats("features"), try file.integers("labels")
            )
        } catch {
            throw broken(error.description)
        }
        guard shape.count == 2, shape[1] > 0, shape[0] == labels.count else {
            throw broken("'features' of shape \(shape) are no rows for \(labels.count) labels")
        }
        dimensions = shape[1]
        guard labels.allSatisfy({ $0 >= 0 }) else { throw broken("'labels' has a number below 0") }
    }
}
