import ApusData
import Testing

@Suite struct SpatialMapTests {
    private let map = try! SpatialMap(grid: 4, values: (0..<16).map { Float($0 * $0 % 13) })

    @Test func theWholeImageGivesTheMapItself() {
        #expect(map.cropped(to: .whole) == map.values)
    }

    @Test func aFlipMirrorsEachRow() throws {
        let rows = stride(from: 0, to: 16, by: 4).flatMap { map.values[$0..<$0 + 4].reversed() }
        #expect(map.cropped(to: .whole, flipped: true) == rows)
        let part = try NormalizedRect(left: 0.13, top: 0.2, width: 0.5, height: 0.31)
        let plain = map.cropped(to: part)
        let mirrored = stride(from: 0, to: 16, by: 4).flatMap { plain[$0..<$0 + 4].reversed() }
        #expect(map.cropped(to: part, flipped: true) == mirrored)
    }

    @Test func aConstantMapStaysConstant() throws {
        var random = CounterRandom(seed: 2, purpose: .init(rawValue: 100))
        for grid in [1, 3, 14] {
            let constant = try SpatialMap(grid: grid, values: [Float](repeating: 0.7, count: grid * grid))
            for _ in 0..<50 {
                let crop = constant.cropped(to: try randomRect(&random))
                #expect(crop.allSatisfy { abs($0 - 0.7) < 1e-6 })
            }
        }
    }

    @Test func aQuarterOfTheImageRepeatsItsCells() throws {
        // The bottom right quarter holds 2 x 2 old cells, each of which fills 2 x 2 new ones.
        let crop = map.cropped(to: try NormalizedRect(left: 0.5, top: 0.5, width: 0.5, height: 0.5))
        let (a, b, c, d) = (map.values[10], map.values[11], map.values[14], map.values[15])
        #expect(crop == [a, a, b, b, a, a, b, b, c, c, d, d, c, c, d, d])
    }

    @Test func aCropInsideOneCellHasThatCellsWeight() throws {
        let crop = map.cropped(to: try NormalizedRect(left: 0.30, top: 0.55, width: 0.1, height: 1e-3))
        #expect(crop.allSatisfy { $0 == map.values[2 * 4 + 1] })
        let tiny = map.cropped(to: try NormalizedRect(left: 1 - 1e-17, top: 0.3, width: 1e-17, height: 1e-17))
        #expect(tiny.allSatisfy { $0 == map.values[1 * 4 + 3] })
    }

    @Test func cellsAreWeightedByTheirShare() throws {
        let pair = try SpatialMap(grid: 2, values: [1, 5, 1, 5])
        // From 0.25 to 0.85: new cells end at 0.55, so that the first has 5/6 of the left cell and 1/6 of the right.
        let crop = pair.cropped(to: try NormalizedRect(left: 0.25, top: 0, width: 0.6, height: 1))
        #expect(abs(crop[0] - (5 + 5) / 6) < 1e-6 && crop[1] == 5)
    }

    @Test func theMassOfTheRegionIsKept() throws {
        var random = CounterRandom(seed: 3, purpose: .init(rawValue: 100))
        for _ in 0..<50 {
            let rect = try randomRect(&random)
            let mean = map.cropped(to: rect).reduce(0, +) / 16
            // The mean over the region, by brute force on a fine raster.
            let steps = 200
            var sum = 0.0
            for y in 0..<steps {
                for x in 0..<steps {
                    let u = rect.left + (Double(x) + 0.5) / Double(steps) * rect.width
                    let v = rect.top + (Double(y) + 0.5) / Double(steps) * rect.height
                    sum += Double(map.values[Int(v * 4) * 4 + Int(u * 4)])
                }
            }
            #expect(abs(Double(mean) - sum / Double(steps * steps)) < 0.1)
        }
    }

    @Test func mapsAndRegionsOfWrongSizeAreErrors() {
        expectError(.invalidArgument) { _ = try SpatialMap(grid: 3, values: [1, 2]) }
        expectError(.invalidArgument) { _ = try SpatialMap(grid: 0, values: []) }
        expectError(.invalidArgument) { _ = try SpatialMap(grid: .max, values: []) }
        expectError(.invalidArgument) { _ = try NormalizedRect(left: 0.6, top: 0, width: 0.5, height: 1) }
        expectError(.invalidArgument) { _ = try NormalizedRect(left: -0.1, top: 0, width: 0.5, height: 1) }
        expectError(.invalidArgument) { _ = try NormalizedRect(left: 0, top: 0, width: 0, height: 1) }
        expectError(.invalidArgument) { _ = try NormalizedRect(left: .nan, top: 0, width: 1, height: 1) }
    }

    private func randomRect(_ random: inout CounterRandom) throws -> NormalizedRect {
        let (width, height) = (random.uniform(in: 0.01...1), random.uniform(in: 0.01...1))
        return try NormalizedRect(
            left: random.uniform() * (1 - width), top: random.uniform() * (1 - height), width: width, height: height)
    }
}
