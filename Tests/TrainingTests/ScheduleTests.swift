import ApusTraining
import Testing

@Suite struct ScheduleTests {
    private func expect(
        _ schedule: LearningRateSchedule, at epoch: Double, is rate: Double,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(abs(schedule.rate(atEpoch: epoch) - rate) <= 1e-15 + 1e-12 * abs(rate), sourceLocation: sourceLocation)
    }

    @Test func warmsUpInAStraightLineThenFollowsHalfACosine() {
        // 300 epochs with 40 of warm-up: the cosine spans 260 epochs and is half way down after 130.
        let schedule = LearningRateSchedule.warmup(epochs: 40, then: .cosine(base: 2.5e-4, minimum: 1e-6, epochs: 260))
        expect(schedule, at: 0, is: 0)
        expect(schedule, at: 10, is: 6.25e-5)
        expect(schedule, at: 10.5, is: 6.5625e-5)
        expect(schedule, at: 40, is: 2.5e-4)
        expect(schedule, at: 40 + 65, is: 1e-6 + 2.49e-4 * 0.853_553_390_593_273_8)  // (1 + cos 45°) / 2
        expect(schedule, at: 40 + 260.0 / 3, is: 1e-6 + 2.49e-4 * 0.75)  // (1 + cos 60°) / 2
        expect(schedule, at: 170, is: 1.255e-4)
        expect(schedule, at: 40 + 520.0 / 3, is: 1e-6 + 2.49e-4 * 0.25)  // (1 + cos 120°) / 2
        expect(schedule, at: 300, is: 1e-6)
        expect(schedule, at: 301, is: 1e-6)
    }

    @Test func worksWithoutWarmUpAndWithNothingElse() {
        expect(.warmup(epochs: 0, then: .cosine(base: 1, minimum: 0, epochs: 10)), at: 0, is: 1)
        expect(.warmup(epochs: 0, then: .cosine(base: 1, minimum: 0, epochs: 10)), at: 5, is: 0.5)
        expect(.warmup(epochs: 4, then: .cosine(base: 1, minimum: 0.1, epochs: 0)), at: 3, is: 0.75)
        expect(.warmup(epochs: 4, then: .cosine(base: 1, minimum: 0.1, epochs: 0)), at: 4, is: 0.1)
    }

    @Test func cosinePerEpochStandsStillWithinAnEpoch() {
        let schedule = LearningRateSchedule.perEpoch(.cosine(base: 1e-4, minimum: 1e-5, epochs: 200))
        expect(schedule, at: 0, is: 1e-4)
        expect(schedule, at: 0.99, is: 1e-4)
        expect(schedule, at: 50, is: 1e-5 + 9e-5 * 0.853_553_390_593_273_8)
        expect(schedule, at: 100.5, is: 5.5e-5)
        expect(schedule, at: 200, is: 1e-5)
    }

    @Test func constantStaysTheSame() {
        expect(.constant(0.01), at: 0, is: 0.01)
        expect(.constant(0.01), at: 1e6, is: 0.01)
    }

    @Test func scalesTheRateWithTheBatch() {
        #expect(LearningRateSchedule.absoluteRate(base: 1e-3, effectiveBatch: 64) == 2.5e-4)
        #expect(LearningRateSchedule.absoluteRate(base: 1e-3, effectiveBatch: 256) == 1e-3)
        #expect(LearningRateSchedule.absoluteRate(base: 1e-3, effectiveBatch: 512) == 2e-3)
    }
}
