/// How far predicted numbers are from the true ones, added up batch by batch; defined as in scikit-learn.
public struct RegressionMetrics: Hashable, Sendable {
    /// How many numbers were compared.
    public private(set) var count = 0
    private var absolute = 0.0, squared = 0.0
    /// Mean of the true numbers, and the sum of squared distances from it, by Welford's recurrence (1962): sums of
    /// squares would cancel.
    private var mean = 0.0, spread = 0.0

    /// Nothing compared yet.
    public init() {}

    /// Compares further numbers.
    ///
    /// Throws `MetricsError` unless there are as many predictions as targets, and for a NaN; then nothing is added.
    public mutating func add<Number: BinaryFloatingPoint>(
        predicted: [Number], targets: [Number]
    ) throws(MetricsError) {
        guard predicted.count == targets.count else {
            throw .mismatch(scores: predicted.count, samples: targets.count, classes: 1)
        }
        if let sample = targets.indices.first(where: { predicted[$0].isNaN || targets[$0].isNaN }) {
            throw .notANumber(sample: sample, classNumber: 0)
        }
        for (predicted, target) in zip(predicted, targets) {
            let target = Double(target), error = Double(predicted) - target, distance = target - mean
            count += 1
            absolute += abs(error)
            squared += error * error
            mean += distance / Double(count)
            spread += distance * (target - mean)
        }
    }

    /// The mean of |predicted − true|; nil if nothing was compared.
    public var meanAbsoluteError: Double? { count == 0 ? nil : absolute / Double(count) }
    /// The mean of (predicted − true)²; nil if nothing was compared.
    public var meanSquaredError: Double? { count == 0 ? nil : squared / Double(count) }
    /// The root of the mean squared error, in the unit of the numbers.
    public var rootMeanSquaredError: Double? { meanSquaredError?.squareRoot() }
    /// R², the share of the true numbers' variance that the predictions explain: 1 − Σ(predicted − true)² / Σ(true −
    /// mean)². Of true numbers that are all equal, 1 if they are predicted exactly, else 0; nil of fewer than two.
    public var determination: Double? {
        guard count > 1 else { return nil }
        return spread == 0 ? (squared == 0 ? 1 : 0) : 1 - squared / spread
    }
}
