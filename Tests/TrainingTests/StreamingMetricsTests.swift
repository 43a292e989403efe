import Apus
import Testing

/// Metrics that are fed batch by batch, against numbers of scikit-learn 1.9.
@Suite struct StreamingMetricsTests {
    private let predicted: [Int32] = [0, 2, 1, 1, 0, 2, 2, 1, 0, 2, 2, 0],
        labels: [Int32] = [0, 1, 1, 1, 0, 2, 0, 2, 0, 2, 2, 1]

    @Test(arguments: [1, 5, 12])
    func confusion(batch: Int) throws {
        var matrix = ConfusionMatrix(classes: 4)
        for start in stride(from: 0, to: labels.count, by: batch) {
            let end = min(start + batch, labels.count)
            try matrix.add(predicted: Array(predicted[start..<end]), labels: Array(labels[start..<end]))
        }
        #expect(matrix.counts == [[3, 0, 1, 0], [1, 2, 1, 0], [0, 1, 3, 0], [0, 0, 0, 0]])
        expect(matrix.accuracy, 0.6666666666666666)
        for (found, expected) in zip(matrix.precision, [0.75, 0.6666666666666666, 0.6]) { expect(found, expected) }
        for (found, expected) in zip(matrix.recall, [0.75, 0.5, 0.75]) { expect(found, expected) }
        for (found, expected) in zip(matrix.f1, [0.75, 0.5714285714285714, 0.6666666666666666]) {
            expect(found, expected)
        }
        for (found, expected) in zip(matrix.intersectionOverUnion, [0.6, 0.4, 0.5]) { expect(found, expected) }
        #expect(
            [matrix.precision[3], matrix.recall[3], matrix.f1[3], matrix.intersectionOverUnion[3]] == [
                nil, nil, nil, nil,
            ])
        expect(matrix.macroF1, 0.6626984126984127)
        expect(matrix.macroRecall, 0.6666666666666666)
        expect(matrix.meanIntersectionOverUnion, 0.5)
    }

    @Test func ignoredLabelsAreNotCounted() throws {
        var matrix = ConfusionMatrix(classes: 2)
        try matrix.add(predicted: [0, 1, 1] as [Int32], labels: [0, 255, 0], ignoring: 255)
        #expect(matrix.counts == [[1, 1], [0, 0]] && matrix.accuracy == 0.5)
        #expect(throws: MetricsError.unknownClass(sample: 1, label: 2, classes: 2)) {
            try matrix.add(predicted: [0, 2] as [Int32], labels: [0, 0])
        }
        #expect(throws: MetricsError.unknownClass(sample: 0, label: -1, classes: 2)) {
            try matrix.add(predicted: [0] as [Int32], labels: [-1])
        }
        #expect(throws: MetricsError.mismatch(scores: 1, samples: 2, classes: 1)) {
            try matrix.add(predicted: [0] as [Int32], labels: [0, 0])
        }
        #expect(matrix.counts == [[1, 1], [0, 0]])
        #expect(ConfusionMatrix(classes: 3).accuracy == nil && ConfusionMatrix(classes: -1).macroF1 == nil)
    }

    @Test(arguments: [1, 3, 6])
    func regression(batch: Int) throws {
        let predicted: [Float] = [2.5, 0, 2, 8, -1, 1e3], targets: [Float] = [3, -0.5, 2, 7, 0.25, 998]
        var metrics = RegressionMetrics()
        for start in stride(from: 0, to: targets.count, by: batch) {
            try metrics.add(
                predicted: Array(predicted[start..<start + batch]), targets: Array(targets[start..<start + batch]))
        }
        expect(metrics.meanAbsoluteError, 0.875)
        expect(metrics.meanSquaredError, 1.1770833333333333)
        expect(metrics.rootMeanSquaredError, 1.084934713857628)
        expect(metrics.determination, 0.9999914511426815)
        #expect(throws: MetricsError.notANumber(sample: 1, classNumber: 0)) {
            try metrics.add(predicted: [1, .nan] as [Float], targets: [1, 1])
        }
        #expect(metrics.count == 6)
    }

    /// Far from zero, squares would cancel: sums of them are held to 128 there, their differences to 1e-7.
    @Test func targetsFarFromZero() throws {
        var metrics = RegressionMetrics()
        try metrics.add(predicted: [1e9, 1e9 + 1, 1e9 + 2], targets: [1e9, 1e9 + 1, 1e9 + 3])
        expect(metrics.determination, 0.7857142857142859, within: 1e-6)
        var constant = RegressionMetrics()
        #expect(constant.determination == nil && constant.meanAbsoluteError == nil)
        try constant.add(predicted: [2.0, 2], targets: [2, 2])
        #expect(constant.determination == 1)
        try constant.add(predicted: [3.0], targets: [2])
        #expect(constant.determination == 0)
    }

    @Test func samplesOfSeveralBatches() throws {
        let scores: [Float] = [0.1, 0.6, 0.3, 0.4, 0.4, 0.2, 0.2, 0.3, 0.5, 0.7, 0.2, 0.1], labels = [1, 0, 1, 2]
        var samples = ClassificationSamples(classes: 3)
        #expect(samples.topAccuracy(1) == nil)
        #expect(throws: MetricsError.noSamples) { try samples.metrics() }
        for batch in 0..<2 {
            try samples.add(
                scores: Array(scores[6 * batch..<6 * batch + 6]), labels: Array(labels[2 * batch..<2 * batch + 2]))
        }
        let whole = try ClassificationMetrics(scores: scores.map { Double($0) }, labels: labels, classes: 3)
        #expect(try samples.metrics() == whole)
        #expect(
            samples.topAccuracy(1) == 0.25 && samples.topAccuracy(2) == whole.top2Accuracy
                && samples.topAccuracy(3) == 1)
        #expect(throws: MetricsError.unknownClass(sample: 0, label: 3, classes: 3)) {
            try samples.add(scores: [0, 0, 1] as [Float], labels: [3])
        }
    }

    private func expect(
        _ found: Double?, _ expected: Double, within tolerance: Double = 1e-12,
        sourceLocation: Testing.SourceLocation = #_sourceLocation
    ) {
        #expect(
            found.map { abs($0 - expected) < tolerance } ?? false, "\(String(describing: found))",
            sourceLocation: sourceLocation)
    }
}
