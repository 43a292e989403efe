import ApusReport
import Testing

/// The embedding's promises: neighbourhoods are kept, it repeats itself, and small or degenerate data do no harm.
@Suite struct TSNETests {
    /// Points around the corners of a simplex, far from each other beside their spread.
    private func clusters(_ count: Int, of size: Int, dimensions: Int = 10, spread: Float = 0.5) -> (
        features: [Float], labels: [Int]
    ) {
        var generator = SystemIndependentGenerator(state: 42)
        var features: [Float] = [], labels: [Int] = []
        for index in 0..<count * size {
            let label = index % count
            labels.append(label)
            features += (0..<dimensions).map {
                ($0 == label ? 10 : 0) + Float.random(in: -spread...spread, using: &generator)
            }
        }
        return (features, labels)
    }

    private func settings(iterations: Int = 400) -> TSNE {
        var tsne = TSNE()
        tsne.iterations = iterations
        return tsne
    }

    private func distance(_ a: Point, _ b: Point) -> Double {
        ((a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y)).squareRoot()
    }

    @Test func clustersStayApart() throws {
        let (features, labels) = clusters(4, of: 40)
        let points = try settings().embed(features, dimensions: 10).points
        // The nearest of the other points is of the own class, and every class is narrower than its distance from the
        // others.
        for (index, point) in points.enumerated() {
            let nearest = points.indices.filter { $0 != index }.min {
                distance(points[$0], point) < distance(points[$1], point)
            }
            #expect(nearest.map { labels[$0] } == labels[index])
        }
        let centres = (0..<4).map { label in
            let own = points.indices.filter { labels[$0] == label }
            return Point(
                own.reduce(0) { $0 + points[$1].x } / Double(own.count),
                own.reduce(0) { $0 + points[$1].y } / Double(own.count))
        }
        let radius = points.indices.map { distance(points[$0], centres[labels[$0]]) }.max() ?? 0
        for a in 0..<4 { for b in 0..<a { #expect(distance(centres[a], centres[b]) > 2 * radius) } }
    }

    @Test func theSameSeedGivesTheSamePlane() throws {
        let features = clusters(3, of: 15).features
        var tsne = settings(iterations: 120)
        let first = try tsne.embed(features, dimensions: 10)
        #expect(try tsne.embed(features, dimensions: 10) == first)
        tsne.seed = 1
        #expect(try tsne.embed(features, dimensions: 10).points != first.points)
    }

    @Test func theDivergenceFalls() throws {
        let divergences = try settings(iterations: 500).embed(clusters(3, of: 30).features, dimensions: 10).divergences
        #expect(divergences.count == 11)
        let early = try #require(divergences.first), late = try #require(divergences.last)
        #expect(late < 0.5 * early && late > 0)
        // Without exaggeration it only falls.
        for (before, after) in zip(divergences[6...], divergences[7...]) { #expect(after <= before + 1e-6) }
    }

    @Test func thePerplexityFitsTheNumberOfPoints() throws {
        #expect(try settings(iterations: 10).embed(clusters(2, of: 5).features, dimensions: 10).perplexity == 3)
        #expect(try settings(iterations: 10).embed(clusters(2, of: 100).features, dimensions: 10).perplexity == 30)
    }

    @Test(arguments: 0...5) func fewPoints(count: Int) throws {
        let features: [Float] = (0..<count).flatMap { [Float($0), 0, Float($0 * $0)] }
        let points = try settings(iterations: 60).embed(features, dimensions: 3).points
        #expect(points.count == count)
        #expect(points.allSatisfy { $0.x.isFinite && $0.y.isFinite })
        #expect(Set(points).count == count)
    }

    @Test func equalPointsStayTogether() throws {
        let (features, _) = clusters(2, of: 10)
        let points = try settings().embed(features + features, dimensions: 10).points
        #expect(points.allSatisfy { $0.x.isFinite && $0.y.isFinite })
        let extent = (points.map(\.x).max() ?? 0) - (points.map(\.x).min() ?? 0)
        for index in 0..<20 { #expect(distance(points[index], points[index + 20]) < 0.05 * extent) }
        let same = try settings().embed(Array(repeating: 1, count: 80), dimensions: 4).points
        #expect(same.allSatisfy { $0.x.isFinite && $0.y.isFinite })
    }

    @Test func badNumbers() {
        #expect(throws: TSNEError.notRows(numbers: 5, dimensions: 2)) {
            try TSNE().embed([1, 2, 3, 4, 5], dimensions: 2)
        }
        #expect(throws: TSNEError.notFinite(row: 1)) { try TSNE().embed([1, 2, .nan, 4], dimensions: 2) }
        #expect(TSNEError.notRows(numbers: 5, dimensions: 2).description == "5 numbers are no rows of 2")
        #expect(TSNEError.notFinite(row: 1).description == "row 1 has a number that is not finite")
    }
}

/// A linear congruential generator, for data that are the same everywhere.
private struct SystemIndependentGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ state >> 33
    }
}
