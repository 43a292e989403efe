/// Where a run stands between two updates of the weights.
package struct TrainingPosition: Hashable, Sendable {
    /// The current epoch, counted from 0.
    package var epoch = 0
    /// Updates made in this epoch.
    package var stepInEpoch = 0
    /// Updates made in all.
    package var step = 0
    /// Losses of this epoch's steps.
    var totals: MetricTotals
    /// Mean metrics of the epoch before; none before the first has ended.
    var lastMeans: [Double] = []

    /// Goes on by an update with these metrics.
    mutating func add(_ metrics: [Double]) {
        totals.add(metrics)
        stepInEpoch += 1
        step += 1
    }

    /// Goes to the beginning of the next epoch.
    mutating func endEpoch() {
        lastMeans = totals.means
        epoch += 1
        stepInEpoch = 0
        totals = MetricTotals(metrics: totals.sums.count)
    }
}

/// Sums of the losses and other metrics over steps, for their means.
struct MetricTotals: Hashable, Sendable {
    var sums: [Double]
    var count = 0

    init(metrics: Int) { sums = [Double](repeating: 0, count: metrics) }

    init(sums: [Double], count: Int) { (self.sums, self.count) = (sums, count) }

    /// The mean of each metric.
    var means: [Double] { sums.map { $0 / Double(max(count, 1)) } }

    mutating func add(_ values: [Double]) {
        for (index, value) in values.enumerated() { sums[index] += value }
        count += 1
    }
}
