import Foundation

/// How probable it is that one point picks another as its neighbour, in both directions together (section 2 of the
/// t-SNE paper).
struct Affinities {
    let count: Int
    /// p of each pair i < j, by rows; the sum over both orders is 1.
    let pairs: [Double]

    /// - Parameter perplexity: Above 1; how many neighbours a point effectively has.
    init(_ features: [Float], dimensions: Int, perplexity: Double) {
        let count = features.count / dimensions
        let distances = Self.squaredDistances(features, dimensions)
        var pairs = [Double](repeating: 0, count: count * (count - 1) / 2)
        for point in 0..<count {
            let own = (0..<count).map { $0 == point ? .infinity : distances[Self.index(point, $0, count)] }
            for (other, share) in Self.shares(own, entropy: log(max(perplexity, 1))).enumerated() where other != point {
                pairs[Self.index(point, other, count)] += share / Double(2 * count)
            }
        }
        (self.count, self.pairs) = (count, pairs)
    }

    /// The place of a pair of different points, in either order.
    private static func index(_ i: Int, _ j: Int, _ count: Int) -> Int {
        let (low, high) = (min(i, j), max(i, j))
        return low * (2 * count - low - 1) / 2 + high - low - 1
    }

    private static func squaredDistances(_ features: [Float], _ dimensions: Int) -> [Double] {
        let count = features.count / dimensions
        var distances: [Double] = []
        distances.reserveCapacity(count * (count - 1) / 2)
        features.withUnsafeBufferPointer { features in
            for i in 0..<count {
                for j in i + 1..<max(count, i + 1) {
                    var sum = 0.0
                    for d in 0..<dimensions {
                        let difference = Double(features[i * dimensions + d]) - Double(features[j * dimensions + d])
                        sum += difference * difference
                    }
                    distances.append(sum)
                }
            }
        }
        return distances
    }

    /// The shares that a point gives to the others: a Gaussian of their distances, as wide as gives the entropy.
    ///
    /// More equal points than the perplexity asks for have no such width; the narrowest that the search comes to is
    /// taken.
    private static func shares(_ distances: [Double], entropy wanted: Double) -> [Double] {
        let nearest = distances.min() ?? 0
        var (precision, low, high) = (1.0, 0.0, Double.infinity)
        // A scale of the data to begin at, so that the search is as long for small numbers as for large ones.
        let finite = distances.filter(\.isFinite)
        let spread = finite.reduce(0) { $0 + $1 - nearest } / Double(max(finite.count, 1))
        if spread > 0 { precision = 1 / spread }
        var shares = distances
        for _ in 0..<100 {
            var total = 0.0, weighted = 0.0
            for (index, distance) in distances.enumerated() {
                let excess = distance - nearest
                let share = distance.isFinite ? exp(-precision * excess) : 0
                shares[index] = share
                total += share
                if share > 0 { weighted += share * excess }
            }
            for index in shares.indices { shares[index] /= total }
            let difference = log(total) + precision * weighted / total - wanted
            if abs(difference) < 1e-7 { break }
            if difference > 0 {
                low = precision
                precision = high.isFinite ? (precision + high) / 2 : precision * 2
            } else {
                high = precision
                precision = (precision + low) / 2
            }
            if !precision.isFinite { break }
        }
        return shares
    }
}
