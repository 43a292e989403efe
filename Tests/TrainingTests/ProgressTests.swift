import ApusTraining
import Foundation
import Testing

@Suite struct ProgressTests {
    private func progress(images: Int, seconds: Double, imagesLeft: Int) -> TrainingProgress {
        TrainingProgress(
            epoch: 3, of: 20, step: 12, of: 50, values: [("loss", 0.731_149), ("accuracy", 1)],
            images: images, seconds: seconds, imagesLeft: imagesLeft)
    }

    @Test func showsSpeedAndTimeLeft() {
        #expect(
            progress(images: 1200, seconds: 10, imagesLeft: 29_400).line
                == "epoch 3/20  step 12/50  loss 0.7311  accuracy 1  120 images/s  ETA 4:05")
        #expect(progress(images: 5, seconds: 2, imagesLeft: 9_153).line.hasSuffix("2.50 images/s  ETA 1:01:01"))
        #expect(progress(images: 100, seconds: 1, imagesLeft: 0).line.hasSuffix("ETA 0:00"))
        #expect(progress(images: 1, seconds: 1e12, imagesLeft: .max).line.hasSuffix("ETA years"))
    }

    @Test func saysThatItWaitsForData() {
        func line(waiting: Double) -> String {
            TrainingProgress(
                epoch: 3, of: 20, step: 12, of: 50, values: [], images: 10, seconds: 10, waiting: waiting,
                imagesLeft: 10
            ).line
        }
        #expect(line(waiting: 0.9) == "epoch 3/20  step 12/50  1.00 images/s  ETA 0:10")
        #expect(
            line(waiting: 3.5) == "epoch 3/20  step 12/50  1.00 images/s  ETA 0:10  waits for data 35 % of the time")
    }

    @Test func leavesOutWhatIsNotMeasured() {
        #expect(
            progress(images: 0, seconds: 0, imagesLeft: 9).line == "epoch 3/20  step 12/50  loss 0.7311  accuracy 1")
    }

    @Test func showsALossThatIsNoNumber() {
        var diverged = progress(images: 0, seconds: 0, imagesLeft: 0)
        diverged.values = [("loss", .nan)]
        #expect(diverged.line == "epoch 3/20  step 12/50  loss nan")
    }

    @Test func rewritesOneLineOnATerminal() {
        var text = ""
        var writer = ProgressWriter(isTerminal: true, columns: 10) { text += $0 }
        writer.show("a long line of text", at: 0)
        writer.show("held back", at: 0.05)
        writer.show("second", at: 0.1)
        writer.show("third", at: 0.15)
        writer.finish()
        #expect(text == "\ra long li\u{1B}[K\rsecond\u{1B}[K\rthird\u{1B}[K\n")
    }

    @Test func printsALineNowAndThenElsewhere() {
        var text = ""
        var writer = ProgressWriter(isTerminal: false, columns: 4) { text += $0 }
        for second in 0...25 { writer.show("step \(second)", at: Double(second)) }
        writer.finish()
        writer.finish()
        #expect(text == "step 0\nstep 10\nstep 20\nstep 25\n")
    }

    @Test func writesNothingWithoutALine() {
        var text = ""
        var writer = ProgressWriter(isTerminal: true) { text += $0 }
        writer.finish()
        #expect(text.isEmpty)
    }

    @Test func timesThatNoClockShowsAreTimesAllTheSame() {
        #expect([-1e300, -.infinity, -0.4].map(TrainingProgress.clock) == ["0:00", "0:00", "0:00"])
        #expect([.nan, .infinity, 1e300].map(TrainingProgress.clock) == ["years", "years", "years"])
    }
}
