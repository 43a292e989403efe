import ApusReport
import Testing

@Suite struct AxisTests {
    @Test func endsAndTicksAreRound() {
        let ticks = Ticks(Axis("loss"), for: [0.13, 0.87])
        #expect(ticks.range == 0...1)
        #expect(ticks.labels == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"])
        let large = Ticks(Axis("weights"), for: [0, 2_300_000])
        #expect(large.labels == ["0", "5·10⁵", "10⁶", "1.5·10⁶", "2·10⁶", "2.5·10⁶"])
        #expect(Ticks(Axis("y"), for: [-3, 5]).labels == ["−4", "−2", "0", "2", "4", "6"])
    }

    @Test func sharesStayWithinTheirLimits() {
        let ticks = Ticks(Axis("accuracy", style: .percent, limits: 0...1), for: [0.62, 0.999])
        #expect(abs(ticks.range.lowerBound - 0.6) < 1e-12 && ticks.range.upperBound == 1)
        #expect(ticks.labels == ["60\u{202F}%", "70\u{202F}%", "80\u{202F}%", "90\u{202F}%", "100\u{202F}%"])
    }

    @Test func epochsAreWhole() {
        let ticks = Ticks(Axis("epoch", isWhole: true), for: [0, 1, 2])
        #expect(ticks.range == 0...2)
        #expect(ticks.labels == ["0", "1", "2"])
        #expect(Ticks(Axis("epoch", isWhole: true), for: [7]).range == 6...8)
        #expect(
            Ticks(Axis("epoch", isWhole: true), for: [0, 299], wanted: 6).labels == [
                "0", "50", "100", "150", "200", "250",
            ])
    }

    @Test func logarithms() throws {
        let ticks = Ticks(Axis("lr", scale: .logarithmic), for: [0, 1e-6, 3e-3, .nan])
        #expect(ticks.range == 1e-6...5e-3)
        #expect(ticks.labels == ["10⁻⁶", "10⁻⁵", "10⁻⁴", "0.001"])
        #expect(ticks.place(0) == nil && ticks.place(-1) == nil)
        let middle = try #require(ticks.place((1e-6 * 5e-3).squareRoot()))
        #expect(abs(middle - 0.5) < 1e-12)
        #expect(Ticks(Axis("lr", scale: .logarithmic), for: [0.2, 0.9]).labels == ["0.2", "0.5", "1"])
    }

    @Test(arguments: [[], [.nan], [3], [0, 0], [-1e300, 1e300], [1e-300, 2e-300], [5, 5.0000000001]] as [[Double]])
    func whateverTheValues(values: [Double]) {
        for scale in [Axis.Scale.linear, .logarithmic] {
            let ticks = Ticks(Axis("y", scale: scale), for: values)
            #expect(ticks.range.lowerBound < ticks.range.upperBound && !ticks.values.isEmpty && ticks.values.count < 20)
            #expect(ticks.labels.count == ticks.values.count)
        }
    }

    @Test func numbers() {
        #expect(NumberText.fixed(-1.25, 1) == "−1.2")
        #expect(NumberText.fixed(.nan, 1) == "not a number")
        #expect(NumberText.percent(0.9125) == "91.2\u{202F}%")
        #expect(NumberText.short(0.000_15) == "1.5·10⁻⁴")
        #expect(NumberText.short(-0.000_01) == "−10⁻⁵")
        #expect(NumberText.short(1234.6) == "1235")
        #expect(NumberText.short(0) == "0" && NumberText.short(.infinity) == "∞")
        #expect(
            NumberText.whole(85_801_732) == "85\u{202F}801\u{202F}732" && NumberText.whole(1234) == "1234"
                && NumberText.whole(-5) == "−5")
    }
}
