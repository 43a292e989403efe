import Foundation

extension EvaluationReport {
    /// Reads a report, and checks that its tables have the sizes that the classes ask for.
    static func read(_ path: String) throws(RunRecordError) -> EvaluationReport {
        func broken(_ reason: String) -> RunRecordError { .broken(path: path, line: nil, reason: reason) }
        let report: EvaluationReport = try decodedReport(path, EvaluationReport.init)
        let count = report.classes.count
        for (number, result) in report.results.enumerated() {
            guard result.confusion.count == count,
                result.confusion.allSatisfy({ $0.count == count && $0.allSatisfy { $0 >= 0 } })
            else {
                throw broken("'results.\(number).confusion' is no table of \(count) times \(count) counts")
            }
            for (name, values) in [("auc", result.auc), ("recall", result.recall), ("f1", result.f1)]
            where values.count != count {
                throw broken("'results.\(number).\(name)' has not one number for each of \(count) classes")
            }
        }
        return report
    }

    /// The result of a checkpoint on a path.
    func result(_ checkpoint: String, _ path: EvaluationPath) -> Result? {
        results.first { $0.checkpoint == checkpoint && $0.path == path }
    }
}

extension SegmentationReport {
    /// Reads a report, and checks that it has numbers for all classes.
    static func read(_ path: String) throws(RunRecordError) -> SegmentationReport {
        let report: SegmentationReport = try decodedReport(path, SegmentationReport.init)
        for (number, result) in report.results.enumerated() {
            for (name, values) in [("class_iou", result.classIoU), ("f1", result.f1)]
            where values.count != report.classes.count {
                throw .broken(
                    path: path, line: nil,
                    reason: "'results.\(number).\(name)' has not one number for each of \(report.classes.count) classes"
                )
            }
        }
        return report
    }
}

/// Reads a JSON file; an error says which of its values is wrong.
private func decodedReport<Report>(_ path: String, _ read: (String) throws -> Report) throws(RunRecordError) -> Report {
    func broken(_ reason: String) -> RunRecordError { .broken(path: path, line: nil, reason: reason) }
    func place(_ path: [any CodingKey]) -> String {
        path.map { $0.intValue.map { String($0) } ?? $0.stringValue }.joined(separator: ".")
    }
    do {
        return try read(path)
    } catch let DecodingError.keyNotFound(key, context) {
        throw broken("'\(place(context.codingPath + [key]))' is missing")
    } catch let DecodingError.typeMismatch(_, context) {
        throw broken("'\(place(context.codingPath))' has the wrong type")
    } catch let DecodingError.valueNotFound(_, context) {
        throw broken("'\(place(context.codingPath))' has no value")
    } catch {
        throw broken("it is no JSON object of results")
    }
}
