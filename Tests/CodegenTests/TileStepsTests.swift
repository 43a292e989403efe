import ApusCodegen
import ApusLLVM
import Testing

/// How matmuls of bf16 are divided for tile registers.
struct TileStepsTests {
    /// A machine with tile registers, wherever the tests run.
    private static let target: TargetDescription = {
        var target = TargetDescription.x86(.avx512)!
        (target.hasBFloat16DotProduct, target.hasTileRegisters) = (true, true)
        return target
    }()

    /// Whole steps where their number pays for what is left over, and equal ones otherwise.
    @Test(
        arguments: [
            (units: 384, run: nil, step: 16, count: 24, rest: 0), (7, nil, 7, 1, 0), (1, nil, 1, 1, 0),
            (49, nil, 7, 7, 0), (211, nil, 16, 13, 3), (25, nil, 5, 5, 0), (1576, nil, 16, 98, 8),
            (112, 14, 14, 8, 0), (96, 48, 16, 6, 0), (36, 18, 9, 4, 0),
        ] as [(units: Int, run: Int?, step: Int, count: Int, rest: Int)])
    func steps(_ example: (units: Int, run: Int?, step: Int, count: Int, rest: Int)) throws {
        let steps = try #require(TileSteps(.bf16, units: example.units, run: example.run, Self.target))
        #expect(steps.units == example.step && steps.count == example.count && steps.rest == example.rest)
    }

    @Test func vectorsAreUsedWhereTilesDoNotPay() throws {
        #expect(TileSteps(.f32, units: 64, Self.target) == nil)
        #expect(TileSteps(.bf16, units: 64, try #require(TargetDescription.x86(.avx512))) == nil)
        #expect(TileSteps(.bf16, units: 64, run: 1, Self.target) == nil)
        // 19 pairs and no divisor: each would be a step.
        #expect(TileSteps(.bf16, units: 38, run: 19, Self.target) == nil)
        #expect(TileSteps(.bf16, units: 20, run: 16, Self.target) == nil)
    }

    /// Rows that a second register shares with the first cost nothing; few rows left over cost a change of shapes.
    @Test(arguments: [(1, 1), (17, 17), (32, 32), (33, 17), (48, 32), (40, 24), (197, 32), (800, 32), (1025, 32)])
    func rows(_ m: Int, _ height: Int) { #expect(TileSteps.rows(m) == height) }
}
