import Foundation

/// t-SNE: a plane in which points that are close in many dimensions are close (van der Maaten and Hinton 2008),
/// computed exactly.
///
/// Time and memory grow with the square of the number of points. The same points, settings and seed give the same
/// plane.
public struct TSNE: Hashable, Sendable {
    /// About how many neighbours a point has; never more than a third of the other points.
    public var perplexity = 30.0
    public var iterations = 1000
    /// Step length; nil for the number of points over the exaggeration (Belkina et al. 2019), and at least 1.
    public var learningRate: Double?
    /// How much stronger attraction is in the first `exaggerated` iterations.
    public var exaggeration = 12.0
    public var exaggerated = 250
    public var seed: UInt64 = 0

    public init() {}

    /// A plane of points.
    public struct Embedding: Hashable, Sendable {
        /// One for each point that was given, in order.
        public let points: [Point]
        /// How far the neighbourhoods in the plane are from the given ones: the Kullback-Leibler divergence every 50
        /// iterations, and at the end.
        public let divergences: [Double]
        /// The perplexity that was used.
        public let perplexity: Double
    }

    /// Lays out points, given as rows of `dimensions` numbers.
    ///
    /// Fewer than four points have no neighbourhoods to keep: they lie as their principal components have them. Equal
    /// points stay together.
    ///
    /// - Throws: ``TSNEError`` if the numbers make no rows, or are not finite.
    public func embed(_ features: [Float], dimensions: Int) throws(TSNEError) -> Embedding {
        guard dimensions > 0, features.count % dimensions == 0 else {
            throw .notRows(numbers: features.count, dimensions: dimensions)
        }
        if let index = features.firstIndex(where: { !$0.isFinite }) { throw .notFinite(row: index / dimensions) }
        let count = features.count / dimensions
        let start = PrincipalPlane(features, dimensions: dimensions, seed: seed).positions
        let perplexity = min(perplexity, Double(count - 1) / 3)
        guard count >= 4 else {
            return Embedding(
                points: (0..<count).map { Point(start[2 * $0], start[2 * $0 + 1]) }, divergences: [],
                perplexity: max(perplexity, 0))
        }
        let affinities = Affinities(features, dimensions: dimensions, perplexity: perplexity)
        var descent = Descent(affinities, start: start, self)
        return Embedding(points: descent.run(), divergences: descent.divergences, perplexity: perplexity)
    }
}

/// Numbers that cannot be embedded.
public enum TSNEError: Error, Hashable, Sendable, CustomStringConvertible {
    case notRows(numbers: Int, dimensions: Int)
    case notFinite(row: Int)

    public var description: String {
        switch self {
        case .notRows(let numbers, let dimensions): "\(numbers) numbers are no rows of \(dimensions)"
        case .notFinite(let row): "row \(row) has a number that is not finite"
        }
    }
}

/// Gradient descent with momentum and one gain for each coordinate, as in section 3.4 of the paper.
private struct Descent {
    private let affinities: Affinities, settings: TSNE
    private let count: Int, learningRate: Double
    private var positions: [Double], velocities: [Double], gains: [Double], gradient: [Double]
    /// Weight 1 / (1 + d²) of each pair, by rows.
    private var weights: [Double]
    private(set) var divergences: [Double] = []

    init(_ affinities: Affinities, start: [Double], _ settings: TSNE) {
        (self.affinities, self.settings) = (affinities, settings)
        count = affinities.count
        learningRate = settings.learningRate ?? max(Double(count) / settings.exaggeration, 1)
        positions = start
        velocities = Array(repeating: 0, count: start.count)
        gains = Array(repeating: 1, count: start.count)
        gradient = velocities
        weights = Array(repeating: 0, count: count * (count - 1) / 2)
    }

    mutating func run() -> [Point] {
        for iteration in 0..<settings.iterations {
            let isEarly = iteration < settings.exaggerated
            let total = weighPairs()
            if iteration % 50 == 0 { divergences.append(divergence(total)) }
            differentiate(total, attraction: isEarly ? settings.exaggeration : 1)
            step(momentum: isEarly ? 0.5 : 0.8)
        }
        divergences.append(divergence(weighPairs()))
        return (0..<count).map { Point(positions[2 * $0], positions[2 * $0 + 1]) }
    }

    /// Computes the weight of each pair; returns the sum over both orders.
    private mutating func weighPairs() -> Double {
        var total = 0.0
        positions.withUnsafeBufferPointer { positions in
            weights.withUnsafeMutableBufferPointer { weights in
                var pair = 0
                for i in 0..<count {
                    let (x, y) = (positions[2 * i], positions[2 * i + 1])
                    for j in i + 1..<max(count, i + 1) {
                        let dx = x - positions[2 * j], dy = y - positions[2 * j + 1]
                        let weight = 1 / (1 + dx * dx + dy * dy)
                        weights[pair] = weight
                        total += weight
                        pair += 1
                    }
                }
            }
        }
        return 2 * total
    }

    /// The gradient of the divergence (equation 5): 4 Σ (p − q) (y_i − y_j) / (1 + d²).
    private mutating func differentiate(_ total: Double, attraction: Double) {
        for index in gradient.indices { gradient[index] = 0 }
        affinities.pairs.withUnsafeBufferPointer { pairs in
            positions.withUnsafeBufferPointer { positions in
                weights.withUnsafeBufferPointer { weights in
                    gradient.withUnsafeMutableBufferPointer { gradient in
                        var pair = 0
                        for i in 0..<count {
                            let (x, y) = (positions[2 * i], positions[2 * i + 1])
                            var (gx, gy) = (0.0, 0.0)
                            for j in i + 1..<max(count, i + 1) {
                                let weight = weights[pair]
                                let force = 4 * (attraction * pairs[pair] - weight / total) * weight
                                let fx = force * (x - positions[2 * j]), fy = force * (y - positions[2 * j + 1])
                                gx += fx
                                gy += fy
                                gradient[2 * j] -= fx
                                gradient[2 * j + 1] -= fy
                                pair += 1
                            }
                            gradient[2 * i] += gx
                            gradient[2 * i + 1] += gy
                        }
                    }
                }
            }
        }
    }

    /// Moves all points; the middle of the plane stays at 0.
    private mutating func step(momentum: Double) {
        for index in positions.indices {
            // A coordinate that keeps its direction gets faster, one that turns gets slower.
            let keeps = (gradient[index] > 0) != (velocities[index] > 0)
            gains[index] = max(keeps ? gains[index] + 0.2 : gains[index] * 0.8, 0.01)
            velocities[index] = momentum * velocities[index] - learningRate * gains[index] * gradient[index]
            positions[index] += velocities[index]
        }
        for axis in 0..<2 {
            let mean = stride(from: axis, to: positions.count, by: 2).reduce(0) { $0 + positions[$1] } / Double(count)
            for index in stride(from: axis, to: positions.count, by: 2) { positions[index] -= mean }
        }
    }

    /// The divergence of the plane's neighbourhoods from the given ones: Σ p log(p / q).
    private func divergence(_ total: Double) -> Double {
        var sum = 0.0
        for (p, weight) in zip(affinities.pairs, weights) where p > 0 {
            sum += p * log(p / max(weight / total, .leastNormalMagnitude))
        }
        return 2 * sum
    }
}
