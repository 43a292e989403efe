import Apus
import Foundation
import Testing

/// Data that is not sound, models that changed, and runs that were cut off.
@Suite struct FitBadInputTests {
    private let folder = TemporaryFolder()

    private func train(
        _ name: String, _ data: some DataSource, epochs: Int = 3, step: TrainingStep = Circle.step(),
        validation: Validation? = nil, resuming: Bool = false,
        shouldStop: @escaping (Int) -> Bool = { _ in false }
    ) throws -> FitResult {
        try fit(
            step, data, in: folder.file(name), settings: Circle.settings(epochs: epochs), validation: validation,
            resuming: resuming, output: .silent, shouldStop: shouldStop)
    }

    /// A source whose samples some numbers of are not finite.
    private struct Spoilt: DataSource {
        let samples: ArrayData
        let places: Set<Int>
        var count: Int { samples.count }
        func batch(_ samples: [Int], epoch: Int) throws -> [String: TensorData] {
            var batch = try self.samples.batch(samples, epoch: epoch)
            var points = batch["points"]?.floats ?? []
            for (row, sample) in samples.enumerated() where places.contains(sample) { points[2 * row + 1] = .nan }
            batch["points"] = try TensorData(points, shape: [samples.count, 2])
            return batch
        }
        func name(of sample: Int) -> String { "point \(sample)" }
    }

    /// Numbers that are not finite in the data are not the model's fault: input and sample are named.
    @Test(arguments: [[57], [3, 90]]) func samplesWithNaNAreNamed(_ places: [Int]) throws {
        let data = Spoilt(samples: try Circle.points(96, seed: 1), places: Set(places))
        let text = message { _ = try train("run", data) }
        #expect(text.hasPrefix("the loss is not finite in epoch 1, step "), "\(text)")
        #expect(text.contains(": the input 'points' is not finite already, for point "), "\(text)")
        #expect(places.contains { text.contains("for point \($0); remove or correct the data;") }, "\(text)")
        // In memory, they are found before anything is trained.
        var points = data.samples.tensors["points"]?.floats ?? []
        points[2 * places[0]] = .infinity
        #expect(throws: DataSourceError.notFinite("points", sample: places[0])) {
            try ArrayData(["points": TensorData(points, shape: [96, 2])])
        }
    }

    /// A source that gives other samples than it was asked for, or of another kind.
    private struct Other: DataSource {
        let count = 96
        let tensors: @Sendable (_ count: Int) throws -> [String: TensorData]
        func batch(_ samples: [Int], epoch: Int) throws -> [String: TensorData] { try tensors(samples.count) }
    }

    @Test func batchesThatDoNotFitAreNamed() throws {
        let points: @Sendable (Int) throws -> TensorData = {
            try TensorData([Float](repeating: 0.5, count: 2 * $0), shape: [$0, 2])
        }
        func run(_ name: String, _ tensors: @escaping @Sendable (Int) throws -> [String: TensorData]) -> String {
            message { _ = try train(name, Other(tensors: tensors)) }
        }
        #expect(
            run("fewer") { ["points": try points($0 - 1), "labels": try TensorData([Int32](repeating: 0, count: $0))] }
                == "the input 'points' of 'circle' is f32[16,2], given f32[15,2]")
        #expect(
            run("floats") { ["points": try points($0), "labels": try TensorData([Float](repeating: 0, count: $0))] }
                == "the input 'labels' of 'circle' is i32[16], given f32[16]")
        #expect(run("none") { _ in [:] }.hasSuffix("of 'circle' is missing"))
        // What the validation takes is checked in the same way.
        let samples = try Circle.points(32, seed: 1)
        let validation = Validation(
            InferenceStep("scores") { Output("class", argmax(Circle.Classifier()(Input("points", [16, 2])))) },
            Other { ["points": try TensorData([Float](repeating: 0, count: 3 * $0), shape: [$0, 3])] }
        ) { _ in 0 }
        #expect(
            message { _ = try train("validated", samples, validation: validation) }
                == "the input 'points' of 'scores' is f32[16,2] for 16 samples, given f32[16,3]")
        let empty = Validation(
            InferenceStep { Output("x", Input("points", [16, 2])) }, Other { _ in [:] }, score: { _ in 0 })
        #expect(message { _ = try train("empty", samples, validation: empty) }.contains("the input 'points'"))
    }

    /// A model that has got or lost a weight since the run was saved: the weights are named, and nothing is trained.
    @Test func weightsOfAnotherModelAreNamed() throws {
        let data = try Circle.points(96, seed: 1)
        _ = try train("run", data, shouldStop: { $0 >= 9 })
        func goOn(_ step: TrainingStep) -> String { message { _ = try train("run", data, step: step, resuming: true) } }
        let less = goOn(Circle.step(depth: 0))
        #expect(
            less.hasSuffix(
                "the checkpoint does not fit the model: 'hidden.bias' is in the file and not in the model; "
                    + "'hidden.weight' is in the file and not in the model"), "\(less)")
        let more = goOn(
            TrainingStep("circle", optimizer: .adamW(learningRate: 0.02)) {
                let labels = Input("labels", [16], .int32)
                let logits = Linear(2, 2).named("last")(Circle.Classifier()(Input("points", [16, 2])))
                Loss(crossEntropy(logits, labels))
                Metric("accuracy", accuracy(logits, labels))
            })
        #expect(more.contains("'last.weight' is missing") && more.contains("'last.bias' is missing"), "\(more)")
        let wide = goOn(Circle.step(width: 8))
        #expect(wide.contains("'0.weight' is F32 [16, 2] in the file and F32 [8, 2] in the model"), "\(wide)")
        let other = goOn(Circle.step(batch: 8))
        #expect(
            other
                == "batch is 8 here and 16 in the run: give the settings and the batch as they were, or begin a new run in "
                + "another folder")
        #expect(try train("run", data, resuming: true).isFinished)
    }

    /// A disk that is full when a checkpoint is due, and a process that is killed: the run goes on from the checkpoint
    /// before, and ends like one that nothing happened to.
    @Test func cutOffRunsGoOn() async throws {
        let full = folder.file("full"), killed = folder.file("killed")
        await #expect(processExitsWith: .success) { [full = full as String] in
            let error = #expect(throws: (any Error).self) {
                try fit(
                    Circle.step(), Circle.points(96, seed: 1), in: full, settings: Circle.settings(epochs: 3),
                    output: .silent
                ) { step in
                    if step == 9 { limitFileSize(to: 1000) }
                    return false
                }
            }
            let text = error.map { "\($0)" } ?? ""
            #expect(text.contains(full) && text.contains("ulimit -f"), "\(text)")
        }
        await #expect(processExitsWith: .signal(SIGKILL)) { [killed = killed as String] in
            _ = try fit(
                Circle.step(), Circle.points(96, seed: 1), in: killed, settings: Circle.settings(epochs: 3),
                output: .silent
            ) { step in
                if step == 10 { kill(getpid(), SIGKILL) }
                return false
            }
        }
        let data = try Circle.points(96, seed: 1), whole = try train("whole", data)
        for name in ["full", "killed"] {
            #expect(try RunFolder(opening: folder.file(name)).latestCheckpoint()?.step == 6, "\(name)")
            #expect(try haveSameBits(train(name, data, resuming: true).state, whole.state), "\(name)")
        }
    }

    /// A newest checkpoint that is cut off is not passed over in silence.
    @Test func aCheckpointThatIsCutOffIsNamed() throws {
        let data = try Circle.points(96, seed: 1)
        _ = try train("run", data)
        let path = try #require(try RunFolder(opening: folder.file("run")).checkpoints().last?.path)
        let bytes = try contents(of: path)
        try Data(bytes.prefix(bytes.count / 2)).write(to: URL(fileURLWithPath: path))
        let text = message { _ = try train("run", data, epochs: 4, resuming: true) }
        #expect(text.contains(path), "\(text)")
    }
}
