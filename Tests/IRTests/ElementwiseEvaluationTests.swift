import ApusIR
import Foundation
import Testing

@Suite struct ElementwiseEvaluationTests {
    private let nan = Double.nan, inf = Double.infinity

    @Test func unary() throws {
        let x = tensor([3], [-1, 0, 0.25])
        try expect(Negate(), x, gives: tensor([3], [1, 0, -0.25]))
        try expect(Negate(), tensor([2], [7, -9], .i32), gives: tensor([2], [-7, 9], .i32))
        try expect(Absolute(), x, gives: tensor([3], [1, 0, 0.25]))
        try expect(Exp(), x, gives: tensor([3], [0.36787944117144233, 1, 1.2840254166877414]), within: 1e-15)
        try expect(
            Log(), tensor([4], [0.25, 1, 0, -1]), gives: tensor([4], [-1.3862943611198906, 0, -inf, nan]), within: 1e-15
        )
        try expect(
            Sqrt(), tensor([4], [0.25, 2, 0, -1]), gives: tensor([4], [0.5, 1.4142135623730951, 0, nan]), within: 1e-15)
        try expect(
            Tanh(), tensor([3], [0, 0.5, -40]), gives: tensor([3], [0, 0.46211715726000973, -1]), within: 1e-15)
        try expect(
            Erf(), tensor([3], [0, 0.5, -1]), gives: tensor([3], [0, 0.5204998778130465, -0.8427007929497149]),
            within: 1e-15)
        try expect(Sin(), tensor([2], [0, 1]), gives: tensor([2], [0, 0.8414709848078965]), within: 1e-15)
        try expect(Cos(), tensor([2], [0, 1]), gives: tensor([2], [1, 0.5403023058681398]), within: 1e-15)
        try expect(Floor(), tensor([5], [-1.5, -1, -0.25, 0.75, 2]), gives: tensor([5], [-2, -1, -1, 0, 2]))
    }

    @Test func binary() throws {
        let x = tensor([2, 2], [1, -2, 3, 0.5]), y = tensor([2, 2], [2, 4, -1, 0.5])
        try expect(Add(), x, y, gives: tensor([2, 2], [3, 2, 2, 1]))
        try expect(Subtract(), x, y, gives: tensor([2, 2], [-1, -6, 4, 0]))
        try expect(Multiply(), x, y, gives: tensor([2, 2], [2, -8, -3, 0.25]))
        try expect(Divide(), x, y, gives: tensor([2, 2], [0.5, -0.5, -3, 1]))
        try expect(Divide(), tensor([3], [1, -1, 0]), tensor([3], [0, 0, 0]), gives: tensor([3], [inf, -inf, nan]))
        try expect(
            Power(), tensor([3], [4, 2, 9]), tensor([3], [0.5, -2, 0]), gives: tensor([3], [2, 0.25, 1]), within: 1e-15)
    }

    @Test func largerAndSmallerKeepNaN() throws {
        let x = tensor([4], [1, nan, 2, inf]), y = tensor([4], [3, 0, nan, -inf])
        try expect(Maximum(), x, y, gives: tensor([4], [3, nan, nan, inf]))
        try expect(Minimum(), x, y, gives: tensor([4], [1, nan, nan, -inf]))
    }

    @Test func comparisons() throws {
        let x = tensor([4], [1, 2, 3, nan]), y = tensor([4], [2, 2, 2, nan])
        let truth: [Compare.Direction: [Double]] = [
            .equal: [0, 1, 0, 0], .notEqual: [1, 0, 1, 1], .less: [1, 0, 0, 0],
            .lessEqual: [1, 1, 0, 0], .greater: [0, 0, 1, 0], .greaterEqual: [0, 1, 1, 0],
        ]
        for direction in Compare.Direction.allCases {
            try expect(Compare(direction), x, y, gives: tensor([4], #require(truth[direction]), .bool))
        }
    }

    @Test func selectTakesFromTheChosenSideOnly() throws {
        let choice = tensor([3], [1, 0, 1], .bool)
        try expect(
            Select(), choice, tensor([3], [1, nan, 3]), tensor([3], [nan, 5, nan]), gives: tensor([3], [1, 5, 3]))
    }

    @Test func castToIntegersTruncatesAndSaturates() throws {
        try expect(
            Cast(.i32), tensor([8], [1.9, -1.9, 0.5, -0.5, 1e10, -1e10, nan, -inf]),
            gives: tensor([8], [1, -1, 0, 0, 2_147_483_647, -2_147_483_648, 0, -2_147_483_648], .i32))
    }

    @Test func castToBoolMeansNotZero() throws {
        try expect(Cast(.bool), tensor([5], [0, -0.0, 0.1, -3, nan]), gives: tensor([5], [0, 0, 1, 1, 1], .bool))
        try expect(Cast(.f32), tensor([2], [0, 1], .bool), gives: tensor([2], [0, 1]))
    }

    @Test func castToSinglePrecisionKeepsTheInterpretersDigits() throws {
        try expect(Cast(.f32), tensor([1], [0.1], .f64), gives: tensor([1], [0.1]))
    }
}

/// bf16 is the upper half of f32; the patterns on the right are written out by hand.
@Suite struct BrainFloatTests {
    private func bits(_ value: Double) -> UInt32 { Float(ElementType.bf16.rounded(value)).bitPattern }

    @Test(
        arguments: [
            (1.0, 0x3F80_0000), (-2.0, 0xC000_0000), (0.0, 0x0000_0000), (-0.0, 0x8000_0000),
            (3.14159265358979, 0x4049_0000), (0.1, 0x3DCD_0000), (1.0 / 3, 0x3EAB_0000),
            // 1 + 2⁻⁸ is half way between 1 (even) and 1 + 2⁻⁷; 1 + 3·2⁻⁸ between 1 + 2⁻⁷ and 1 + 2⁻⁶ (even).
            (1.00390625, 0x3F80_0000), (1.01171875, 0x3F82_0000),
            (1.00390625 + 0x1p-20, 0x3F81_0000), (1.01171875 - 0x1p-20, 0x3F81_0000),
            // The smallest normal number, and below it only 0.
            (0x1p-126, 0x0080_0000), (0x1.FEp-127, 0x0000_0000), (-0x1p-127, 0x8000_0000), (0x1p-133, 0x0000_0000),
            // The largest finite number, and what rounds to infinity.
            (0x1.FEp127, 0x7F7F_0000), (0x1.FFp127, 0x7F80_0000), (-0x1.FFp127, 0xFF80_0000),
        ] as [(Double, UInt32)])
    func roundsToNearestEven(_ value: Double, _ pattern: UInt32) { #expect(bits(value) == pattern) }

    /// A number just beside a tie must not be rounded to the tie first.
    @Test func roundsOnlyOnce() {
        #expect(bits(1 + 0x1p-8 + 0x1p-40) == 0x3F81_0000)
        #expect(bits(1 + 0x3p-8 - 0x1p-40) == 0x3F81_0000)
        #expect(bits(-1 - 0x1p-8 - 0x1p-40) == 0xBF81_0000)
    }

    @Test func numbersBeyondTheRangeAreInfinite() {
        #expect(ElementType.bf16.rounded(1e300) == .infinity)
        #expect(ElementType.bf16.rounded(-1e300) == -.infinity)
        #expect(ElementType.bf16.rounded(.nan).isNaN)
        #expect(ElementType.f32.rounded(1e300) == .infinity)
    }
}

@Suite struct PhiloxTests {
    /// Known answers that the authors of Philox publish with Random123.
    @Test func knownAnswers() {
        #expect(
            Philox.block(counter: (0, 0, 0, 0), key: (0, 0)) == (0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8))
        let ones = UInt32.max
        #expect(
            Philox.block(counter: (ones, ones, ones, ones), key: (ones, ones)) == (
                0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD
            ))
        let digits = Philox.block(
            counter: (0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344), key: (0xA409_3822, 0x299F_31D0))
        #expect(digits == (0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1))
    }

    @Test func uniformNumbersLieInTheOpenInterval() {
        #expect(Philox.uniform(0) == 0x1p-24)
        #expect(Philox.uniform(.max) == 1 - 0x1p-24)
        #expect(Philox.uniform(0x8000_0000) == 0.5 + 0x1p-24)
    }

    @Test func operationCountsElementsAndStreams() throws {
        let key = tensor([2], [0, 0], .i32)
        let first = Double(0x6627_E8D5 as UInt32 >> 9) + 0.5
        try expect(RandomUniform(shape: [1], stream: 0), key, gives: tensor([1], [first * 0x1p-23]))
        // Negative keys count as their bit patterns.
        let drawn = RandomUniform(shape: [2, 3], stream: 7).evaluate(
            [tensor([2], [-1, 5], .i32)], type: TensorType(.f32, [2, 3]))
        for index in 0..<6 {
            let word = Philox.block(counter: (UInt32(index), 7, 0, 0), key: (.max, 5)).0
            #expect(drawn.values[index] == (Double(word >> 9) + 0.5) * 0x1p-23)
        }
    }
}
