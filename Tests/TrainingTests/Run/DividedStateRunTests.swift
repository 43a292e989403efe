import Apus
import Foundation
import Testing

/// Runs whose ranks each keep a part of the optimizer's state: what is trained and what is saved are those of ranks
/// that keep all of it.
@Suite final class DividedStateRunTests {
    private let folder = TemporaryFolder()

    /// A step whose hidden weights are divided, in parts of unequal size on three ranks.
    private static func step(batch: Int, _ optimizer: Optimizer = .adamW(learningRate: 0.01)) -> TrainingStep {
        TrainingStep("circle", optimizer: optimizer) {
            let labels = Input("labels", [batch], .int32)
            let logits = Sequential {
                Linear(2, 37).named("first")
                Tanh()
                Linear(37, 37).named("hidden")
                Tanh()
                Linear(37, 2).named("head")
            }(Input("points", [batch, 2]))
            Loss(crossEntropy(logits, labels))
        }
    }

    @discardableResult
    private func train(
        _ ranks: Int, _ name: String, dividesState: Bool, _ precision: Compiler.Precision = .float32,
        shares: Int? = nil, epochs: Int = 3, resuming: Bool = false,
        until last: Int = .max, _ optimizer: Optimizer = .adamW(learningRate: 0.01),
        data: @escaping @Sendable (_ rank: Int) throws -> any DataSource = { _ in try Circle.points(101, seed: 1) }
    ) throws -> [ProgramState] {
        let path = folder.file(name)
        return try ThreadRanks.run(ranks) { communicator in
            var settings = Circle.settings(epochs: epochs)
            (settings.shares, settings.dividesState, settings.logInterval) = (shares, dividesState, 1)
            (settings.precision, settings.products) = (precision, .generated)
            func go(_ data: some DataSource) throws -> ProgramState {
                try fit(
                    Self.step(batch: 4, optimizer), data, in: path, settings: settings, resuming: resuming,
                    allowingChanges: resuming, output: .silent, communicator: ranks == 1 ? nil : communicator
                ) { $0 >= last }.state
            }
            return try go(data(communicator.rank))
        }
    }

    private struct Saved: Equatable {
        let shape: [Int], bits: [UInt32]
    }

    /// The tensors of a run's newest checkpoint.
    private func saved(_ name: String) throws -> [String: Saved] {
        let checkpoint = try #require(try RunFolder(opening: folder.file(name)).checkpoints().last)
        let file = try SafetensorsFile(contentsOf: checkpoint.path)
        return try Dictionary(
            uniqueKeysWithValues: file.names.filter { $0 != "random.key" }.map { name in
                (name, Saved(shape: try file.shape(name), bits: try file.floats(name).map(\.bitPattern)))
            })
    }

    @Test(arguments: [2, 3], [Compiler.Precision.float32, .bfloat16])
    func savesWhatWholeStateIs(ranks: Int, precision: Compiler.Precision) throws {
        let whole = try train(ranks, "whole", dividesState: false, precision)[0]
        let divided = try train(ranks, "divided", dividesState: true, precision)
        let part = "optimizer.exp_avg.hidden.weight"
        if precision == .float32 { #expect(try divided[0].read(part).floats.count == (37 * 37 + ranks - 1) / ranks) }
        #expect(try divided[1].read("hidden.weight") == whole.read("hidden.weight"))
        let (a, b) = (try saved("whole"), try saved("divided"))
        #expect(a == b && a[part]?.shape == [37, 37])
    }

    /// A run goes on with other ranks, with its state divided or whole, and has the bits of one that was not stopped.
    @Test(arguments: [Compiler.Precision.float32, .bfloat16])
    func goesOnInAnyDivision(precision: Compiler.Precision) throws {
        try train(1, "whole", dividesState: false, precision, shares: 4)
        try train(4, "run", dividesState: true, precision, shares: 4, until: 4)
        try train(2, "run", dividesState: false, precision, shares: 4, resuming: true, until: 9)
        try train(1, "run", dividesState: true, precision, shares: 4, resuming: true, until: 13)
        try train(2, "run", dividesState: true, precision, shares: 4, resuming: true)
        #expect(try saved("run") == saved("whole"))
    }

    /// What fails on one rank alone ends all of them, with a checkpoint that has all parts.
    @Test func aRankThatCannotReadSavesTheRun() throws {
        struct Unreadable: Error {}
        let text = message {
            try train(2, "run", dividesState: true, .bfloat16) { rank in
                Watched(samples: try Circle.points(101, seed: 1)) { _, epoch in
                    if rank == 1, epoch == 1 { throw Unreadable() }
                }
            }
        }
        #expect(text == "Unreadable()" || text == "rank 1 has failed in reading a batch, and says why")
        #expect(try saved("run")["optimizer.exp_avg_sq.hidden.weight"]?.shape == [37, 37])
    }

    /// What a source of another rank than the first says, such as of a file, ends all ranks with a checkpoint, too.
    @Test func aRankThatCannotOpenAFileSavesTheRun() throws {
        let text = message {
            try train(2, "run", dividesState: true) { rank in
                Watched(samples: try Circle.points(101, seed: 1)) { _, epoch in
                    if rank == 1, epoch == 1 { throw RunError.dataEnded(epoch: 1, step: 2, of: 3) }
                }
            }
        }
        #expect(text.contains("epoch") || text == "rank 1 has failed in reading a batch, and says why", "\(text)")
        #expect(try saved("run")["optimizer.exp_avg.hidden.weight"]?.shape == [37, 37])
    }

    /// What others do not know of, as a label out of range within a step, ends a rank at once: nothing can be gathered.
    @Test(.timeLimit(.minutes(1)))
    func aRankThatFailsWithinAStep() throws {
        let text = message {
            try train(2, "run", dividesState: true) { rank in
                Relabelled(points: try Circle.points(101, seed: 1), isWrong: rank == 1)
            }
        }
        #expect(text.contains("labels"), "\(text)")
        #expect(try !saved("run").isEmpty)
    }

    /// A phase whose loss reads a weight beside matmuls holds it in f32, and the run goes on with that.
    @Test func phasesThatHoldAWeightAsAnother() throws {
        func run(_ name: String, dividesState: Bool) throws {
            let path = folder.file(name)
            _ = try ThreadRanks.run(2) { communicator in
                let plan = try RunPlan<PointSettings>(
                    startingIn: path,
                    given: [
                        "width": .integer(600), "divide-state": .flag(dividesState), "precision": .text("bf16"),
                        "batch": .integer(8),
                    ])
                _ = try Trainer<DecayingPointTask>(plan, output: .silent, communicator: communicator).run()
            }
        }
        try run("whole", dividesState: false)
        try run("divided", dividesState: true)
        #expect(try saved("divided") == saved("whole"))
    }

    /// A part that is not finite is no checkpoint, whichever rank has it.
    @Test(arguments: [0, 1])
    func whatIsNotFiniteIsNotSaved(rank: Int) throws {
        let path = folder.file("run"), name = "optimizer.exp_avg.0.weight"
        let text = message {
            _ = try ThreadRanks.run(2) { communicator in
                let plan = try RunPlan<PointSettings>(
                    startingIn: path, given: ["width": .integer(600), "divide-state": .flag(true)])
                var spoil: (() throws -> Void)?
                let trainer = try Trainer<PointTask>(plan, output: .silent, communicator: communicator) { step in
                    if step == 3 { try? spoil?() }
                    return step == 3
                }
                let state = trainer.state
                spoil = {
                    guard communicator.rank == rank else { return }
                    var part = try state.read(name).floats
                    part[7] = .infinity
                    try state.write(name, TensorData(part))
                }
                _ = try trainer.run()
            }
        }
        #expect(text.contains(name) || text == "rank 0 has failed in saving the run, and says why", "\(text)")
        #expect(try RunFolder(opening: path).checkpoints().isEmpty)
    }

    @Test func anOptimizerThatLooksAtWholeWeights() {
        let text = message { try train(2, "run", dividesState: true, .float32, .lars(learningRate: 0.1)) }
        #expect(text.contains("its state cannot be divided among ranks"), "\(text)")
        #expect(folder.contents.isEmpty)
    }
}

/// Points, one of whose labels is none in the second epoch.
private struct Relabelled: DataSource {
    let points: ArrayData, isWrong: Bool
    var count: Int { points.count }
    func batch(_ places: [Int], epoch: Int) throws -> [String: TensorData] {
        var batch = try points.batch(places, epoch: epoch)
        if isWrong, epoch == 1 { batch["labels"] = try TensorData([Int32](repeating: 9, count: places.count)) }
        return batch
    }
    func name(of sample: Int) -> String { "point \(sample)" }
}

/// Points whose second phase adds the size of the first weights to the loss.
private final class DecayingPointTask: ConfiguredTask {
    typealias Settings = PointSettings

    let identity = DataIdentity(classes: ["left", "right"], images: "40 points")
    let batchesPerEpoch = 5
    let metrics = [TrainingMetric.loss]
    private let points: PointTask, settings: PointSettings

    init(_ settings: PointSettings, _ compiler: RunCompiler, _ output: TrainingOutput) {
        self.settings = settings
        points = PointTask(settings, compiler, output)
    }

    /// A matmul whose weight may be read by others.
    private struct Product: Layer {
        let width: Int, decays: Bool

        func callAsFunction(_ x: Tensor) -> Tensor {
            let w = weight("weight", [2, width], .normal(deviation: 0.5))
            let y = matmul(x, w)
            return decays ? y + mean(w * w) * 0.1 : y
        }
    }

    func phase(ofEpoch epoch: Int) -> PointTask.Phase { points.phase(ofEpoch: epoch) }

    func trainingStep(_ phase: PointTask.Phase) -> TrainingStep {
        let (batch, width) = (settings.batch / 2, settings.width)
        return TrainingStep(optimizer: .adamW(learningRate: settings.rate)) {
            let labels = Input("labels", [batch], .int32)
            let hidden = Product(width: width, decays: phase == .stretched).named("first")(Input("points", [batch, 2]))
            Loss(crossEntropy(Linear(width, 2).named("head")(tanh(hidden)), labels))
        }
    }

    func batches(ofEpoch epoch: Int, startingAtBatch batch: Int) -> PointBatches {
        points.batches(ofEpoch: epoch, startingAtBatch: batch)
    }

    func inputs(_ batch: PointBatches.Batch, at place: BatchPlace) throws -> [String: TensorData] {
        let half = settings.batch / 2
        return [
            "points": try TensorData(Array(batch.points.prefix(2 * half)), shape: [half, 2]),
            "labels": try TensorData(Array(batch.labels.prefix(half))),
        ]
    }
}
