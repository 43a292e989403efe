/// Samples, or pixels, by true class (rows) and predicted class (columns), counted batch by batch; what follows from
/// the counts is defined as in scikit-learn.
public struct ConfusionMatrix: Hashable, Sendable {
    /// Samples by true class, then by predicted class.
    public private(set) var counts: [[Int]]

    /// An empty matrix; without classes nothing can be added.
    public init(classes: Int) {
        counts = [[Int]](repeating: [Int](repeating: 0, count: max(classes, 0)), count: max(classes, 0))
    }

    /// Counts the classes of further samples. Labels equal to `ignored` are left out.
    ///
    /// Throws `MetricsError` for classes that there are not, and unless there are as many predictions as labels; then
    /// nothing is counted.
    public mutating func add<Class: BinaryInteger>(
        predicted: [Class], labels: [Class], ignoring ignored: Class? = nil
    ) throws(MetricsError) {
        guard predicted.count == labels.count else {
            throw .mismatch(scores: predicted.count, samples: labels.count, classes: 1)
        }
        var counts = counts
        for (sample, (predicted, label)) in zip(predicted, labels).enumerated() where label != ignored {
            for number in [label, predicted] {
                guard let number = Int(exactly: number), classes.contains(number) else {
                    throw .unknownClass(sample: sample, label: Int(clamping: number), classes: classes.count)
                }
            }
            counts[Int(label)][Int(predicted)] += 1
        }
        self.counts = counts
    }

    private var classes: Range<Int> { counts.indices }
    private func samples(of number: Int) -> Int { counts[number].reduce(0, +) }
    private func predictions(of number: Int) -> Int { counts.reduce(0) { $0 + $1[number] } }
    private var total: Int { classes.reduce(0) { $0 + samples(of: $1) } }

    /// The share of samples whose predicted class is the true one; nil without samples.
    public var accuracy: Double? { share(classes.reduce(0) { $0 + counts[$1][$1] }, of: total) }

    /// The share of each class's samples that are predicted as such; nil for a class without samples.
    public var recall: [Double?] { classes.map { share(counts[$0][$0], of: samples(of: $0)) } }

    /// The share of each class's predictions that are right; nil for a class that is not predicted.
    public var precision: [Double?] { classes.map { share(counts[$0][$0], of: predictions(of: $0)) } }

    /// The harmonic mean of recall and precision of each class, which is the Dice coefficient of its region; nil for a
    /// class that neither is nor is predicted.
    public var f1: [Double?] {
        classes.map { share(2 * counts[$0][$0], of: samples(of: $0) + predictions(of: $0)) }
    }

    /// What is and is predicted of a class among what is or is predicted, the Jaccard index of its region; nil for a
    /// class that neither is nor is predicted.
    public var intersectionOverUnion: [Double?] {
        classes.map { share(counts[$0][$0], of: samples(of: $0) + predictions(of: $0) - counts[$0][$0]) }
    }

    /// The mean recall of the classes that are or are predicted; a class without samples has recall 0.
    public var macroRecall: Double? {
        let recall = recall
        return mean(classes.filter { samples(of: $0) + predictions(of: $0) > 0 }.map { recall[$0] ?? 0 })
    }

    /// The mean F1 of the classes that are or are predicted.
    public var macroF1: Double? { mean(f1.compactMap(\.self)) }

    /// The mean intersection over union of the classes that are or are predicted.
    public var meanIntersectionOverUnion: Double? { mean(intersectionOverUnion.compactMap(\.self)) }

    private func share(_ part: Int, of whole: Int) -> Double? { whole == 0 ? nil : Double(part) / Double(whole) }

    private func mean(_ values: [Double]) -> Double? {
        values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }
}
