import Apus
import Testing

/// Random numbers that a step draws.
@Suite struct RandomDrawTests {
    /// Mean 0 and deviation 1, tails as wide as a normal distribution's, and other numbers in each run.
    @Test func normalNumbers() throws {
        let program = try Compiler(threads: 1).compile(InferenceStep { Output("y", randomNormal([100, 100])) })
        let state = try program.makeState(seed: 3)
        func draw() throws -> [Double] { try #require(program.run(state, [:])["y"]).floats.map(Double.init) }
        let numbers = try draw(), count = Double(numbers.count)
        func mean(_ power: Int) -> Double {
            numbers.reduce(0) { sum, x in sum + (0..<power).reduce(1) { product, _ in product * x } } / count
        }
        // Deviations of these means are 0.01, 0.014 and 0.1; the fourth moment is 3.
        #expect(abs(mean(1)) < 0.05 && abs(mean(2) - 1) < 0.07 && abs(mean(4) - 3) < 0.5)
        let beyond = numbers.filter { abs($0) > 1.96 }.count
        #expect(400...600 ~= beyond, "\(beyond) of 10,000 beyond 1.96 deviations, where 500 are expected")
        #expect(try draw() != numbers)
    }
}
