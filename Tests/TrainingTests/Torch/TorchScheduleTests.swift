import Apus
import Foundation
import Testing

/// Twelve epochs of PyTorch's `ReduceLROnPlateau`: what it was told of them, and the rates that it gave.
struct RecordedPlateau: Sendable, CustomTestStringConvertible {
    let name: String, schedule: PlateauSchedule
    let measures: [Double]

    static let all = [
        RecordedPlateau(
            name: "plateau", schedule: PlateauSchedule(base: 0.1, factor: 0.5, patience: 1, minimum: 0.02),
            measures: [3, 2, 2, 2, 2, 1, 1.5, 1.2, 1.1, 1.05, 0.9, 0.8]),
        RecordedPlateau(
            name: "plateau_cooldown",
            schedule: PlateauSchedule(
                base: 0.1, goal: .larger, patience: 0, threshold: .absolute(0.1), cooldown: 2),
            measures: [1, 1.05, 1.0, 1.3, 1.2, 1.1, 1.0, 1.5, 1.45, 1.4, 1.3, 1.2]),
    ]

    var rates: [Float] { get throws { try TorchRecording("schedules").tensor("\(name)/rates").floats } }
    var testDescription: String { name }
}

/// Schedules against PyTorch: the rates of a dozen epochs.
@Suite struct TorchScheduleTests {
    private static let schedules: [String: LearningRateSchedule] = [
        "step": .step(base: 0.1, every: 3, factor: 0.5),
        "steps": .milestones(base: 0.1, at: [2, 5, 9]),
        "exponential": .exponential(base: 0.1, factor: 0.8),
        "polynomial": .polynomial(base: 0.1, epochs: 10, power: 2),
        "cosine": .cosine(base: 0.1, minimum: 0.01, epochs: 12),
        "restarts": .restarts(base: 0.1, minimum: 0.01, first: 4),
        "restarts_longer": .restarts(base: 0.1, minimum: 0.01, first: 2, growth: 2),
        "one_cycle": .oneCycle(peak: 0.1, epochs: 12, rise: 2.9 / 12),
        "one_cycle_linear": .oneCycle(
            peak: 0.1, epochs: 10, rise: 0.34, startDivisor: 10, endDivisor: 100, isLinear: true),
    ]

    @Test(arguments: schedules.keys.sorted()) func ratesAreTheSame(_ name: String) throws {
        let expected = try TorchRecording("schedules").tensor("\(name)/rates").floats
        let schedule = try #require(Self.schedules[name])
        let found = expected.indices.map { Float(schedule.rate(atEpoch: Double($0))) }
        #expect(largestError(found, expected) < 1e-6, "\(found), not \(expected)")
    }

    @Test(arguments: RecordedPlateau.all) func fallsWhenNothingGetsBetter(_ recorded: RecordedPlateau) throws {
        var plateau = recorded.schedule
        let found = recorded.measures.map { measure in
            defer { plateau.record(measure) }
            return Float(plateau.rate)
        }
        let expected = try recorded.rates
        #expect(largestError(found, expected) < 1e-6, "\(found), not \(expected)")
    }

    @Test func warmsUpBeforeAnySchedule() {
        let schedule = LearningRateSchedule.warmup(epochs: 4, from: 0.5, then: .step(base: 0.2, every: 2, factor: 0.1))
        let rates = [0, 2, 4, 5, 6].map { schedule.rate(atEpoch: $0) }
        #expect(zip(rates, [0.1, 0.15, 0.2, 0.2, 0.02]).allSatisfy { abs($0 - $1) < 1e-12 }, "\(rates)")
        #expect(
            LearningRateSchedule.perEpoch(.exponential(base: 1, factor: 0.5)).rate(atEpoch: 1.9) == 0.5)
        // Cycles that become shorter end.
        #expect(LearningRateSchedule.restarts(base: 1, first: 2, growth: 0.5).rate(atEpoch: 5) == 0)
        #expect(abs(LearningRateSchedule.restarts(base: 1, first: 2, growth: 0.5).rate(atEpoch: 2.5) - 0.5) < 1e-12)
    }

    /// However many cycles have gone by, and at the borders between them, where logarithms are rounded.
    @Test(.timeLimit(.minutes(1))) func restartsManyTimes() {
        for (first, growth) in [(1e-12, 1.0), (1e-300, 1 + 1e-6), (0, 1), (0, 2)] {
            let rate = LearningRateSchedule.restarts(base: 1, first: first, growth: growth).rate(atEpoch: 1e6)
            #expect((0...1).contains(rate), "\(first), \(growth)")
        }
        for growth in [2.0, 3, 5, 10] {
            let schedule = LearningRateSchedule.restarts(base: 1, first: 1, growth: growth)
            var border = 0.0
            for cycle in 0..<12 {
                #expect(schedule.rate(atEpoch: border) > 0.999, "cycle \(cycle) of \(growth)")
                border += pow(growth, Double(cycle))
            }
        }
    }
}
