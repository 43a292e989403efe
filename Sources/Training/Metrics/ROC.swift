/// The receiver operating characteristic: what share of positive and of negative samples has at least a score, for each
/// score.
public enum ROC {
    /// The area under the curve: how probable it is that a positive sample has a higher score than a negative one, ties
    /// counting half (Mann and Whitney 1947).
    ///
    /// Nil if there are no positive or no negative samples. Throws `MetricsError` for a score that is NaN, and unless
    /// there are as many scores as truths.
    public static func area(scores: [Double], isPositive: [Bool]) throws(MetricsError) -> Double? {
        try check(scores, isPositive)
        let positives = isPositive.count { $0 }, negatives = isPositive.count - positives
        guard positives > 0, negatives > 0 else { return nil }
        // Counted in halves of pairs, so that the sum is exact.
        var wins = 0, negativesBelow = 0
        for group in groups(scores) {
            let here = group.count { isPositive[$0] }, others = group.count - here
            wins += here * (2 * negativesBelow + others)
            negativesBelow += others
        }
        return Double(wins) / 2 / (Double(positives) * Double(negatives))
    }

    /// A point of a curve: the share of negative and of positive samples that have at least some score.
    public struct Point: Hashable, Sendable {
        /// The shares, from 0 to 1.
        public let negatives: Double, positives: Double
    }

    /// The curve, from (0, 0) to (1, 1): one point for each score that occurs, from the highest down. The area below it
    /// is ``area(scores:isPositive:)``.
    ///
    /// Empty if there are no positive or no negative samples. Throws `MetricsError` as ``area(scores:isPositive:)``
    /// does.
    public static func curve(scores: [Double], isPositive: [Bool]) throws(MetricsError) -> [Point] {
        try check(scores, isPositive)
        let all = isPositive.count { $0 }, others = isPositive.count - all
        guard all > 0, others > 0 else { return [] }
        var points = [Point(negatives: 0, positives: 0)], positives = 0, negatives = 0
        for group in groups(scores).reversed() {
            let here = group.count { isPositive[$0] }
            positives += here
            negatives += group.count - here
            points.append(
                Point(negatives: Double(negatives) / Double(others), positives: Double(positives) / Double(all)))
        }
        return points
    }

    private static func check(_ scores: [Double], _ isPositive: [Bool]) throws(MetricsError) {
        guard scores.count == isPositive.count else {
            throw .mismatch(scores: scores.count, samples: isPositive.count, classes: 1)
        }
        if let sample = scores.firstIndex(where: \.isNaN) { throw .notANumber(sample: sample, classNumber: 0) }
    }

    /// The mean of several curves: at each share of negatives, the mean of their shares of positives, linear between
    /// points.
    ///
    /// The area below it is the mean of the areas below the curves.
    public static func mean(of curves: [[Point]]) -> [Point] {
        guard !curves.isEmpty else { return [] }
        let places = Set(curves.flatMap { $0.map(\.negatives) }).sorted()
        return places.flatMap { place in
            // Curves rise steeply where several points have the same share of negatives: the mean does so too.
            let ends = curves.map { height($0, at: place) }
            let low = ends.reduce(0) { $0 + $1.lowerBound } / Double(ends.count),
                high = ends.reduce(0) { $0 + $1.upperBound } / Double(ends.count)
            return low == high
                ? [Point(negatives: place, positives: low)]
                : [low, high].map { Point(negatives: place, positives: $0) }
        }
    }

    /// The lowest and the highest share of positives of a curve at a share of negatives.
    private static func height(_ curve: [Point], at place: Double) -> ClosedRange<Double> {
        let here = curve.filter { $0.negatives == place }
        if let low = here.first, let high = here.last {
            return min(low.positives, high.positives)...max(low.positives, high.positives)
        }
        guard let after = curve.firstIndex(where: { $0.negatives > place }), after > 0 else { return 0...0 }
        let (a, b) = (curve[after - 1], curve[after])
        let value = a.positives + (b.positives - a.positives) * (place - a.negatives) / (b.negatives - a.negatives)
        return value...value
    }

    /// The samples in rising order of their scores, those with equal scores together.
    private static func groups(_ scores: [Double]) -> [ArraySlice<Int>] {
        let order = scores.indices.sorted { scores[$0] < scores[$1] }
        var groups: [ArraySlice<Int>] = [], start = 0
        for place in order.indices where place + 1 == order.count || scores[order[place]] != scores[order[place + 1]] {
            groups.append(order[start...place])
            start = place + 1
        }
        return groups
    }
}
