import Apus
import Foundation
import Synchronization
import Testing

@Suite final class FitTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "apus-\(UUID().uuidString)")

    init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(at: folder) }

    @Test func learnsAndKeepsTheBest() throws {
        let run = folder.path + "/run"
        let result = try fit(
            Circle.step(), Circle.points(500, seed: 1), in: run, settings: Circle.settings(epochs: 40),
            schedule: .cosine(base: 0.02, epochs: 40), validation: Circle.validation(Circle.points(70, seed: 2)),
            output: .silent)
        #expect(result.isFinished && (result.means["accuracy"] ?? 0) > 0.9)
        let best = try #require(result.best)
        #expect(best.score > 0.9)
        let other = try Compiler(threads: 1).compile(Circle.step()).makeState(seed: 9)
        #expect(try other.loadWeights(from: run + "/best.safetensors").isComplete)
    }

    /// A run that was stopped in the middle of an epoch and resumed ends with the same bits.
    @Test func resumesExactly() throws {
        let data = try Circle.points(100, seed: 1), test = try Circle.points(33, seed: 2)
        func train(_ name: String, resuming: Bool = false, until last: Int = .max) throws -> FitResult {
            try fit(
                Circle.step(), data, in: "\(folder.path)/\(name)", settings: Circle.settings(epochs: 4),
                validation: Circle.validation(test), resuming: resuming, output: .silent
            ) { $0 >= last }
        }
        let whole = try train("whole")
        #expect(try !train("parts", until: 9).isFinished)
        #expect(try !train("parts", resuming: true, until: 20).isFinished)
        let parts = try train("parts", resuming: true)
        #expect(parts.isFinished && parts.best == whole.best && parts.means == whole.means)
        #expect(try haveSameBits(parts.state, whole.state))
        // 4 epochs of 6 batches: the key of random draws has counted them.
        #expect(try whole.state.read("random.key").integers == [3, 24])
    }

    /// Samples whose number falls each time it is asked for.
    private final class Shrinking: DataSource {
        let samples: ArrayData
        private let asked = Mutex(0)
        init(_ samples: ArrayData) { self.samples = samples }
        var count: Int {
            asked.withLock { asked in
                asked += 1
                return max(samples.count - 7 * (asked - 1), 0)
            }
        }
        func batch(_ places: [Int], epoch: Int) throws -> [String: TensorData] {
            try samples.batch(places, epoch: epoch)
        }
    }

    @Test func countsTheDataOnce() throws {
        let result = try fit(
            Circle.step(), Shrinking(Circle.points(100, seed: 1)), in: folder.path + "/run",
            settings: Circle.settings(epochs: 3),
            output: .silent)
        #expect(result.isFinished && result.state.step == 3 * 6)
    }

    @Test func endsWhenNothingGetsBetter() throws {
        var settings = Circle.settings(epochs: 50)
        settings.patience = 2
        let data = try Circle.points(40, seed: 1)
        let same = Validation(InferenceStep { Output("x", Input("points", [8, 2])) }, data) { _ in 1 }
        let result = try fit(
            Circle.step(), data, in: folder.path + "/run", settings: settings, validation: same, output: .silent)
        #expect(result.isFinished && result.best?.epoch == 0 && result.state.step == 3 * 2)
    }

    @Test func mistakesAreNamed() throws {
        let data = try Circle.points(10, seed: 1), settings = Circle.settings(epochs: 1)
        func run(_ step: TrainingStep, _ data: ArrayData, _ name: String = "a", resuming: Bool = false) -> String {
            message {
                _ = try fit(
                    step, data, in: "\(folder.path)/\(name)", settings: settings, resuming: resuming, output: .silent)
            }
        }
        #expect(
            run(Circle.step(), data)
                == "the data has 10 samples, and a batch of 'circle' takes 16: declare its inputs with a first axis of 10 at most"
        )
        let noLabels = try ArrayData(["points": #require(data.tensors["points"])])
        #expect(run(Circle.step(batch: 4), noLabels) == "the input 'labels' (i32[4]) of 'circle' is missing")
        let floats = try ArrayData([
            "points": #require(data.tensors["points"]), "labels": TensorData([Float](repeating: 0, count: 10)),
        ])
        #expect(run(Circle.step(batch: 4), floats, "b") == "the input 'labels' of 'circle' is i32[4], given f32[4]")
        let far = try ArrayData([
            "points": #require(data.tensors["points"]), "labels": TensorData([Int32](repeating: 2, count: 10)),
        ])
        #expect(
            run(Circle.step(batch: 4), far, "c")
                == "the input 'labels' of 'circle' has 2 at [0]; it must be from 0 to 1")
        #expect(
            message { _ = try ArrayData(["x": TensorData([1, 2, 3, .nan] as [Float], shape: [2, 2])]) }
                == "the data has a number that is not finite in 'x', sample 1")
        #expect(
            message { _ = try ArrayData(["x": TensorData([1, 2] as [Float]), "y": TensorData([1] as [Float])]) }
                == "the data has 2 samples of 'x' and 1 of 'y'")
        #expect(message { _ = try ArrayData([:]) } == "the data has no samples: there is no tensor")
        let mixed = TrainingStep("mixed", optimizer: .sgd(learningRate: 1)) {
            Loss(mean(Linear(2, 1)(Input("points", [4, 2])) * mean(Input("labels", [3]))))
        }
        #expect(
            run(mixed, data, "d")
                == "the inputs of 'mixed' differ in their first axis, which counts samples: 'points' f32[4,2], 'labels' f32[3]"
        )
        // A run of another model cannot be gone on with: the weights are named.
        #expect(run(Circle.step(batch: 4), data, "e") == "no error")
        let other = run(Circle.step(batch: 4, width: 8), data, "e", resuming: true)
        #expect(other.contains("'0.weight' is F32 [16, 2] in the file and F32 [8, 2] in the model"), "\(other)")
        #expect(
            run(Circle.step(batch: 4), data, "e").contains("the folder holds a run already"),
            "\(run(Circle.step(batch: 4), data, "e"))")
    }
}
