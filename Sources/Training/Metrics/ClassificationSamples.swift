/// Scores of samples, kept batch by batch for what needs all of them at once, such as the area under a ROC curve.
public struct ClassificationSamples: Sendable {
    /// How many classes there are.
    public let classes: Int
    private var scores: [Double] = [], labels: [Int] = []

    /// No samples yet, of so many classes.
    public init(classes: Int) { self.classes = classes }

    /// Keeps further samples: scores class by class and sample by sample, and the true classes.
    ///
    /// Throws `MetricsError` for numbers that do not fit together, and for scores that are no numbers; then nothing is
    /// kept.
    public mutating func add<Score: BinaryFloatingPoint, Class: BinaryInteger>(
        scores: [Score], labels: [Class]
    ) throws(MetricsError) {
        let (scores, labels) = (scores.map { Double($0) }, labels.map { Int(clamping: $0) })
        try ClassificationMetrics.check(scores, labels, classes)
        self.scores += scores
        self.labels += labels
    }

    /// What all samples come to. Throws `MetricsError.noSamples` if there are none.
    public func metrics() throws(MetricsError) -> ClassificationMetrics {
        try ClassificationMetrics(scores: scores, labels: labels, classes: classes)
    }

    /// The share of samples whose true class is among the `count` most probable; of equal ones, the last count. Nil
    /// without samples.
    public func topAccuracy(_ count: Int) -> Double? {
        guard !labels.isEmpty else { return nil }
        let found = labels.indices.count { sample in
            let row = scores[sample * classes..<(sample + 1) * classes]
            return ClassificationMetrics.before(labels[sample], row) < count
        }
        return Double(found) / Double(labels.count)
    }
}
