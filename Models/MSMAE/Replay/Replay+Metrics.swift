import Apus
import Foundation

/// What a recording of metrics says of itself.
private struct MetricsDescription: Decodable {
    /// Samples and classes.
    let n: Int, classes: Int
}

extension Replay {
    /// Metrics of recorded probabilities. What was recorded in single precision is compared in single precision.
    static func metrics(_ recording: Recording) throws(ReplayError) -> [Comparison] {
        var recording = recording
        let description = try recording.description(MetricsDescription.self)
        let (samples, classes) = (description.n, description.classes)
        guard (1...1 << 24).contains(samples), (1...1 << 12).contains(classes) else {
            throw ReplayError(
                .badDescription, path: recording.path, "\(samples) samples of \(classes) classes are none, or too many")
        }
        let scores = try recording.doubles("input.probabilities", [samples, classes]).values
        let labels = try recording.integers("input.labels", [samples], in: 0..<classes).integers.map(Int.init)
        let metrics: ClassificationMetrics
        do {
            metrics = try ClassificationMetrics(scores: scores, labels: labels, classes: classes)
        } catch {
            throw ReplayError(.contradiction, path: recording.path, error.description)
        }
        let counts = metrics.confusion.flatMap { $0 }.map(Double.init)
        let recorded = try recording.integers("expect.confusion", [classes, classes], in: 0..<samples + 1).integers.map(
            Double.init)
        var comparisons = [
            Comparison(quantity: "expect.confusion", error: largestDifference(counts, recorded), tolerance: 0)
        ]
        // A class without an area is recorded as NaN.
        let quantities: [(name: String, values: [Double], shape: [Int])] = [
            ("accuracy_top1", [metrics.accuracy], []), ("accuracy_top2", [metrics.top2Accuracy], []),
            ("f1_macro", [metrics.macroF1], []), ("recall_macro", [metrics.macroRecall], []),
            ("auc_per_class", metrics.areaUnderROC.map { $0 ?? .nan }, [classes]),
            ("auc_mean", [metrics.meanAreaUnderROC ?? .nan], []),
        ]
        for quantity in quantities {
            let expected = try recording.doubles("expect.\(quantity.name)", quantity.shape)
            let computed = expected.isSingle ? quantity.values.map { Double(Float($0)) } : quantity.values
            comparisons.append(
                Comparison(
                    quantity: "expect.\(quantity.name)", error: largestDifference(computed, expected.values),
                    tolerance: 1e-9))
        }
        try recording.expectNothingLeft()
        return comparisons
    }

    /// The largest difference of two lists; two that are no numbers do not differ.
    private static func largestDifference(_ a: [Double], _ b: [Double]) -> Double {
        guard a.count == b.count else { return .infinity }
        return zip(a, b).map { $0.isNaN && $1.isNaN ? 0 : $0.isNaN || $1.isNaN ? .infinity : abs($0 - $1) }.max() ?? 0
    }
}
