/// How well class probabilities fit the true classes of some samples; defined as in scikit-learn.
public struct ClassificationMetrics: Hashable, Sendable {
    /// Samples by true class (rows) and predicted class (columns).
    public let confusion: [[Int]]
    /// The share of samples whose most probable class is the true one; of equal ones, the first counts.
    public let accuracy: Double
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
        var confusion = [[Int]](repeating: [Int](repeating: 0, count: classes), count: classes)
        var found = 0
        for (sample, label) in labels.enumerated() {
            let row = scores[sample * classes..<(sample + 1) * classes]
            let predicted = row.indices.reduce(row.startIndex) { row[$1] > row[$0] ? $1 : $0 } - row.startIndex
            confusion[label][predicted] += 1
            let own = row[row.startIndex + label]
            let before = row.indices.count { row[$0] > own || row[$0] == own && $0 - row.startIndex > label }
            if before < 2 { found += 1 }
        }
        self.confusion = confusion
        accuracy = Double((0..<classes).reduce(0) { $0 + confusion[$1][$1] }) / Double(labels.count)
        top2Accuracy = Double(found) / Double(labels.count)
        areaUnderROC = try (0..<classes).map { number throws(MetricsError) in
            try ROC.area(
                scores: labels.indices.map { scores[$0 * classes + number] }, isPositive: labels.map { $0 == number })
        }
    }

    private static func check(_ scores: [Double], _ labels: [Int], _ classes: Int) throws(MetricsError) {
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

    private var classes: Range<Int> { confusion.indices }
    private func samples(of number: Int) -> Int { confusion[number].reduce(0, +) }
    private func predictions(of number: Int) -> Int { confusion.reduce(0) { $0 + $1[number] } }

    /// The share of each class's samples that are predicted as such; nil for a class without samples.
    public var recall: [Double?] {
        classes.map { samples(of: $0) == 0 ? nil : Double(confusion[$0][$0]) / Double(samples(of: $0)) }
    }

    /// The harmonic mean of recall and precision of each class; nil for a class that neither is nor is predicted.
    public var f1: [Double?] {
        classes.map { number in
            let all = samples(of: number) + predictions(of: number)
            return all == 0 ? nil : 2 * Double(confusion[number][number]) / Double(all)
        }
    }

    /// The mean recall of the classes that are or are predicted; a class without samples has recall 0.
    public var macroRecall: Double {
        let recall = recall
        return mean(classes.filter { samples(of: $0) + predictions(of: $0) > 0 }.map { recall[$0] ?? 0 }) ?? 0
    }

    /// The mean F1 of the classes that are or are predicted.
    public var macroF1: Double { mean(f1.compactMap { $0 }) ?? 0 }

    /// The mean area under the ROC curves that there are; nil if there are none.
    public var meanAreaUnderROC: Double? { mean(areaUnderROC.compactMap { $0 }) }

    private func mean(_ values: [Double]) -> Double? {
        values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }
}

/// Numbers that cannot be measured.
public enum MetricsError: Error, Hashable, Sendable, CustomStringConvertible {
    case noSamples
    case mismatch(scores: Int, samples: Int, classes: Int)
    case unknownClass(sample: Int, label: Int, classes: Int)
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
