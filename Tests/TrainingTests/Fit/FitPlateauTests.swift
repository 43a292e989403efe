import Apus
import Foundation
import Synchronization
import Testing

/// Plateau schedules in `fit` against PyTorch's `ReduceLROnPlateau`.
@Suite struct FitPlateauTests {
    private let folder = TemporaryFolder()

    /// A validation whose scores are given.
    private func scripted(_ scores: [Double], goal: Validation.Goal) throws -> Validation {
        let next = Mutex(0)
        return Validation(
            InferenceStep { Output("x", Input("points", [8, 2])) }, try Circle.points(8, seed: 1), goal: goal
        ) { _ in
            next.withLock { next in
                next += 1
                return scores[next - 1]
            }
        }
    }

    /// The rates that PyTorch had in twelve epochs with the same measures.
    @Test(arguments: RecordedPlateau.all) func followsTheValidation(_ recorded: RecordedPlateau) throws {
        let (plateau, scores) = (recorded.schedule, recorded.measures)
        let run = folder.file("run")
        let result = try fit(
            Circle.step(), Circle.points(32, seed: 1), in: run, settings: Circle.settings(epochs: 12),
            schedule: .plateau(plateau), validation: scripted(scores, goal: plateau.goal), output: .silent)
        let expected = try recorded.rates, found = try rates(ofRun: run)
        #expect(found.count == 12 && largestError(found.map { Float($0) }, expected) < 1e-6, "\(found)")
        let best = try #require(plateau.goal == .larger ? scores.max() : scores.min())
        #expect(result.best?.score == best)
    }

    /// Least squares with momentum, all samples in a batch: PyTorch 2.13 on the processor gave these losses, rates and
    /// weights, with `ReduceLROnPlateau(optimizer, "min", factor=0.5, patience=1, threshold=0.02, cooldown=1,
    /// min_lr=0.05)` after each epoch.
    private enum LeastSquares {
        static let x: [Float] = [1, 0, 0, 2, 1, 1, -1, 1, 2, -1, 0.5, 0.5, -2, 0, 1.5, -0.5]
        static let y: [Float] = [1, -3, 0.5, -2, 2.5, 0, -1.5, 2]
        static let rates =
            [Double](repeating: 0.6, count: 5) + [Double](repeating: 0.3, count: 5)
            + [Double](repeating: 0.15, count: 3) + [Double](repeating: 0.075, count: 3)
        static let lastLoss: Float = 0.168931
        static let weights: [Float] = [0.8581929802894592, -1.180716872215271]

        static func data() throws -> ArrayData {
            try ArrayData(["x": TensorData(x, shape: [8, 2]), "y": TensorData(y, shape: [8, 1])])
        }

        struct Line: Layer {
            func callAsFunction(_ x: Tensor) -> Tensor { matmul(x, weight("w", [2, 1], .zeros)) }
        }

        static var step: TrainingStep {
            TrainingStep("line", optimizer: .sgd(learningRate: 0.6, momentum: 0.5)) {
                Loss(meanSquaredError(Line()(Input("x", [8, 2])), Input("y", [8, 1])))
            }
        }

        static let plateau = PlateauSchedule(
            base: 0.6, factor: 0.5, patience: 1, threshold: .relative(0.02), cooldown: 1, minimum: 0.05)
    }

    private func train(_ name: String, resuming: Bool = false, until last: Int = .max) throws -> FitResult {
        try fit(
            LeastSquares.step, LeastSquares.data(), in: folder.file(name), settings: Circle.settings(epochs: 16),
            schedule: .plateau(LeastSquares.plateau), resuming: resuming, output: .silent
        ) { $0 >= last }
    }

    @Test func followsTheLossOfTraining() throws {
        let result = try train("run"), found = try rates(ofRun: folder.file("run"))
        #expect(found.count == 16 && zip(found, LeastSquares.rates).allSatisfy { abs($0 - $1) < 1e-12 }, "\(found)")
        #expect(abs(Float(result.means["loss"] ?? 0) - LeastSquares.lastLoss) < 1e-5)
        #expect(largestError(try result.state.read("w").floats, LeastSquares.weights) < 1e-5)
    }

    /// Stopped after each epoch in turn, also while the rate rests and right after it has fallen.
    @Test func goesOnWhereItStood() throws {
        let whole = try train("whole")
        for stop in 1...15 {
            let name = "parts-\(stop)"
            #expect(try !train(name, until: stop).isFinished)
            let parts = try train(name, resuming: true)
            #expect(try haveSameBits(parts.state, whole.state), "stopped after \(stop)")
            #expect(try rates(ofRun: folder.file(name)) == rates(ofRun: folder.file("whole")))
        }
    }

    @Test func warmsUpBefore() {
        var schedule = LearningRateSchedule.warmup(
            epochs: 2, from: 0.5, then: .plateau(PlateauSchedule(base: 0.4, factor: 0.5, patience: 0)))
        #expect([0, 1, 2].map { schedule.rate(atEpoch: $0) }.map { ($0 * 100).rounded() } == [20, 30, 40])
        // What the warm-up measures is not the plateau's; then the first measure is the best, and the second no better.
        for epoch in 0..<3 { schedule.record(1, ofEpoch: epoch) }
        #expect(schedule.rate(atEpoch: 3) == 0.4)
        schedule.record(1, ofEpoch: 3)
        #expect(schedule.rate(atEpoch: 4) == 0.2)
        var cosine = LearningRateSchedule.cosine(base: 1, epochs: 4)
        cosine.record(5, ofEpoch: 0)
        #expect(cosine == .cosine(base: 1, epochs: 4))
        var still = LearningRateSchedule.perEpoch(.plateau(PlateauSchedule(base: 1, patience: 0)))
        for epoch in 0..<2 { still.record(1, ofEpoch: epoch) }
        #expect(still.rate(atEpoch: 2) == 0.1)
    }

    /// PyTorch begins with an infinite best, which no infinite measure is better than.
    @Test func infinityIsNoProgress() {
        var plateau = PlateauSchedule(base: 1, factor: 0.5, patience: 1)
        for measure in [Double.infinity, .nan] { plateau.record(measure) }
        #expect(plateau.rate == 0.5)
    }

    @Test func contradictionsAreNamed() throws {
        func run(_ plateau: PlateauSchedule?, _ validation: Validation?, patience: Int? = nil) -> String {
            message {
                var settings = Circle.settings(epochs: 1)
                settings.patience = patience
                _ = try fit(
                    Circle.step(), Circle.points(32, seed: 1), in: folder.file("never"), settings: settings,
                    schedule: plateau.map { .warmup(epochs: 1, then: .plateau($0)) }, validation: validation,
                    output: .silent)
            }
        }
        #expect(
            run(PlateauSchedule(base: 1), try scripted([1], goal: .larger))
                == "the plateau schedule takes smaller measures for better, and the validation does not: give both the "
                + "same goal")
        #expect(
            run(PlateauSchedule(base: 1, goal: .larger), nil)
                == "the plateau schedule takes larger measures for better, and without a validation it goes by the "
                + "loss, which is better when smaller: give it the goal .smaller, or fit a validation")
        #expect(
            run(nil, nil, patience: 2)
                == "patience counts epochs without a better validation, and there is none: give a validation, or no "
                + "patience")
        #expect(!FileManager.default.fileExists(atPath: folder.file("never")))
    }

    /// A score that is not a number is no best one that nothing could be better than.
    @Test func anyNumberIsBetterThanNone() throws {
        let result = try fit(
            Circle.step(), Circle.points(32, seed: 1), in: folder.file("run"), settings: Circle.settings(epochs: 4),
            validation: scripted([.nan, 0.5, .nan, 0.25], goal: .larger), output: .silent)
        #expect(result.best?.epoch == 1 && result.best?.score == 0.5)
    }

    @Test func metadataThatCannotBeReadIsRefused() throws {
        _ = try train("run", until: 3)
        let path = try #require(try RunFolder(opening: folder.file("run")).latestCheckpoint()?.path)
        let whole = try SafetensorsFile(contentsOf: path)
        for (key, value) in [
            ("plateau_rate", "fast"), ("plateau_rate", "nan"), ("plateau_best", "x"), ("plateau_bad_epochs", "-1"),
            ("plateau_resting_epochs", "99999999999999999999"),
        ] {
            let tensors = try whole.names.map { name in
                SafetensorsWriter.Tensor(
                    name, try whole.elementType(name), try whole.shape(name), reading: { try whole.bytes(name) })
            }
            try SafetensorsWriter.write(
                to: path, metadata: whole.metadata.merging([key: value]) { $1 }, tensors: tensors)
            #expect(message { _ = try train("run", resuming: true) }.contains("of the plateau schedule cannot be read"))
        }
    }
}
