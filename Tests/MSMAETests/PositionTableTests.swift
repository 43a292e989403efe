import MSMAE
import Testing

/// Position tables for other image sizes, held against `torch.nn.functional.interpolate(mode="bicubic",
/// align_corners=False)`.
@Suite struct PositionTableTests {
    private func table(grid: Int, dim: Int) -> [Float] {
        (0..<(1 + grid * grid) * dim).map { index in
            let level = (index / dim * 7 + index % dim * 5) % 11
            return Float(level) / 8 - 0.5
        }
    }

    private func expectResized(
        _ from: Int, _ to: Int, _ expected: [Float], _ location: SourceLocation = #_sourceLocation
    ) {
        let resized = positionTable(resizing: table(grid: from, dim: 2), fromGrid: from, toGrid: to, dim: 2)
        #expect(resized.count == expected.count, sourceLocation: location)
        #expect(zip(resized, expected).allSatisfy { abs($0 - $1) < 1e-6 }, "\(resized)", sourceLocation: location)
    }

    @Test func toALargerGrid() {
        expectResized(
            2, 3,
            [
                -0.5, 0.125, 0.3858508, -0.4938681, 0.0924479, 0.0896268, -0.2009548, 0.6731213, 0.6059029, -0.2037761,
                0.3125, -0.09375, 0.0190973,
                0.016276, 0.825955, 0.0863157, 0.5325521, -0.2771267, 0.2391494, -0.640569,
            ])
    }

    @Test func toASmallerGrid() {
        expectResized(
            4, 3,
            [
                -0.5, 0.125, 0.2205036, -0.1578393, 0.3552971, 0.3660527, 0.2342303, -0.3145912, 0.1628283, 0.0839166,
                -0.0140381, 0.4847412, -0.0563285,
                0.0332529, 0.0802314, 0.3505941, 0.4689402, -0.2488832, -0.115949, 0.1501587,
            ])
    }

    @Test func toTheSameGrid() {
        #expect(
            positionTable(resizing: table(grid: 5, dim: 3), fromGrid: 5, toGrid: 5, dim: 3) == table(grid: 5, dim: 3))
    }

    @Test func fromASinglePatch() {
        #expect(
            positionTable(resizing: [1, 2, 3, 4], fromGrid: 1, toGrid: 2, dim: 2) == [1, 2, 3, 4, 3, 4, 3, 4, 3, 4])
    }
}
