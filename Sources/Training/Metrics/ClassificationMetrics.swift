/// How well class probabilities fit the true classes of some samples; defined as in scikit-learn.
public struct ClassificationMetrics: Hashable, Sendable {
    /// Samples by true class and most probable one; of equal ones, the first counts.
    public let matrix: ConfusionMatrix
    /// The share of samples whose true class is among the two most probable; of equal ones, the last count.
    public let top2Accuracy: Double
    /// Area under the ROC curve of each class against the rest; nil for a class of which there are no samples, or
    /// nothing else.
    public let areaUnderROC: [Double?]

    /// Measures the probabilities (or other scores) of samples, class by class and sample by sample, against the true
    /// classes.
    ///
    /// Throws `MetricsError` for numbers that do not fit together, and for scores that are no numbers.
    public init(scores: [Double], labels: [Int], classes: Int) throws(MetricsError) {
        try Self.check(scores, labels, classes)
        var predicted: [Int] = [], found = 0
        for (sample, label) in labels.enumerated() {
            let row = scores[sample * classes..<(sample + 1) * classes]
            predicted.append(row.indices.reduce(row.startIndex) { row[$1] > row[$0] ? $1 : $0 } - row.startIndex)
            if Self.before(label, row) < 2 { found += 1 }
        }
        var matrix = ConfusionMatrix(classes: classes)
        try matrix.add(predicted: predicted, labels: labels)
        self.matrix = matrix
        top2Accuracy = Double(found) / Double(labels.count)
        areaUnderROC = try (0..<classes).map { number throws(MetricsError) in
            try ROC.area(
                scores: labels.indices.map { scores[$0 * classes + number] }, isPositive: labels.map { $0 == number })
        }
    }

    /// How many classes of a row of scores are more probable than one; of equal ones, later classes count.
    static func before(_ label: Int, _ row: ArraySlice<Double>) -> Int {
        let own = row[row.startIndex + label]
        return row.indices.count { row[$0] > own || row[$0] == own && $0 - row.startIndex > label }
    }

    static func check(_ scores: [Double], _ labels: [Int], _ classes: Int) throws(MetricsError) {
        guard !labels.isEmpty else { throw .noSamples }
        guard classes > 0, scores.count.quotientAndRemainder(dividingBy: classes) == (labels.count, 0) else {
            throw .mismatch(scores: scores.count, samples: labels.count, classes: classes)
        }
        if let sample = labels.firstIndex(where: { !(0..<classes).contains($0) }) {
            throw .unknownClass(sample: sample, label: labels[sample], classes: classes)
        }
        if let index = scores.firstIndex(where: \.isNaN) {
            throw .notANumber(sample: index / classes, classNumber: index % classes)
        }
    }

    // MARK: What follows from the confusion matrix

    /// Samples by true class (rows) and predicted class (columns).
    public var confusion: [[Int]] { matrix.counts }

    /// The share of samples whose most probable class is the true one.
    public var accuracy: Double { matrix.accuracy ?? 0 }

    /// The share of each class's samples that are predicted as such; nil for a class without samples.
    public var recall: [Double?] { matrix.recall }

    /// The harmonic mean of recall and precision of each class; nil for a class that neither is nor is predicted.
    public var f1: [Double?] { matrix.f1 }

    /// The mean recall of the classes that are or are predicted; a class without samples has recall 0.
    public var macroRecall: Double { matrix.macroRecall ?? 0 }

    /// The mean F1 of the classes that are or are predicted.
    public var macroF1: Double { matrix.macroF1 ?? 0 }

    /// The mean area under the ROC curves that there are; nil if there are none.
    public var meanAreaUnderROC: Double? {
        let areas = areaUnderROC.compactMap(\.self)
        return areas.isEmpty ? nil : areas.reduce(0, +) / Double(areas.count)
    }
}

/// Numbers that cannot be measured.
public enum MetricsError: Error, Hashable, Sendable, CustomStringConvertible {
    /// There are no samples.
    case noSamples
    /// The scores are not one for each sample and class.
    case mismatch(scores: Int, samples: Int, classes: Int)
    /// A sample, counted from 0, has a label of a class that there is not.
    case unknownClass(sample: Int, label: Int, classes: Int)
    /// The score of a sample and class, both counted from 0, is NaN.
    case notANumber(sample: Int, classNumber: Int)

    public var description: String {
        switch self {
        case .noSamples: "there are no samples to measure"
        case .mismatch(let scores, let samples, let classes):
            "\(scores) scores are not one for each of \(samples) samples and \(classes) classes"
        case .unknownClass(let sample, let label, let classes):
            "the true class of sample \(sample) is \(label); with \(classes) classes it must be from 0 to \(classes - 1)"
        case .notANumber(let sample, let classNumber):
            "the score of class \(classNumber) for sample \(sample) is not a number"
        }
    }
}
