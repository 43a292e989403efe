/// The receiver operating characteristic: what share of positive and of negative samples has at least a score, for each score.
enum ROC {
    /// The area under the curve: how probable it is that a positive sample has a higher score than a negative one, ties counting half
    /// (Mann and Whitney 1947).
    ///
    /// Nil if there are no positive or no negative samples. No score is NaN, and there are as many scores as truths.
    static func area(scores: [Double], isPositive: [Bool]) -> Double? {
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
