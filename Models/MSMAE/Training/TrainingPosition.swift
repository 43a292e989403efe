import Apus

/// Where a run stands between two updates of the weights.
struct TrainingPosition: Hashable, Sendable {
    /// The current epoch, counted from 0.
    var epoch = 0
    /// Updates made in this epoch.
    var stepInEpoch = 0
    /// Updates made in all.
    var step = 0
    /// The epoch before which the attention maps were last computed.
    var mapsEpoch: Int?
    /// Losses of this epoch's steps.
    var totals = MetricTotals()
}

/// Sums of the losses and the accuracy over steps, for their means.
struct MetricTotals: Hashable, Sendable {
    /// Outputs of the training program, with the names that the progress line gives them.
    static let metrics = [
        (output: "loss", short: "loss"), (output: "reconstruction_loss", short: "rec"), (output: "classification_loss", short: "cls"),
        (output: "accuracy", short: "acc"),
    ]

    var sums = [Double](repeating: 0, count: metrics.count)
    var count = 0

    /// The mean of each metric.
    var means: [Double] { sums.map { $0 / Double(max(count, 1)) } }

    mutating func add(_ values: [Double]) {
        for (index, value) in values.enumerated() { sums[index] += value }
        count += 1
    }
}

extension StepReport {
    /// The values of ``MetricTotals/metrics``.
    var metrics: [Double] { MetricTotals.metrics.map { Double(self[$0.output]?.scalar ?? .nan) } }
}
