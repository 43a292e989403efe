import Apus
import Foundation
import Testing

/// Runs whose batches are divided into shares: any number of ranks comes to the same bits.
@Suite final class ReproducibleRankTests {
    private let folder = TemporaryFolder()

    /// A step of a share that draws, keeps statistics and counts, clips, and averages weights.
    private static func step(batch: Int, drops: Bool = true) -> TrainingStep {
        let optimizer = Optimizer.adamW(learningRate: 0.02).clippingGradients(toNorm: 0.3).averagingWeights(decay: 0.9)
        return TrainingStep("circle", optimizer: optimizer) {
            let labels = Input("labels", [batch], .int32)
            let logits = Sequential {
                Linear(2, 24).named("first")
                BatchNorm(24)
                GELU()
                if drops { Dropout(0.3) }
                Linear(24, 2).named("head")
            }(Input("points", [batch, 2]))
            Loss(crossEntropy(logits, labels))
            Metric("accuracy", accuracy(logits, labels))
        }
    }

    private static func validation() throws -> Validation {
        let data = try Circle.points(23, seed: 2)
        let step = InferenceStep {
            let points = Input("points", [5, 2])
            let logits = Sequential {
                Linear(2, 24).named("first")
                BatchNorm(24)
                GELU()
                Linear(24, 2).named("head")
            }(points)
            Output("logits", logits)
        }
        return Validation(step, data, goal: .smaller) { outputs in
            Double(outputs["logits"]?.floats.reduce(0, +) ?? .nan)
        }
    }

    private struct Ended: Sendable {
        let state: ProgramState, best: BestEpoch?, means: [String: Double]
    }

    @discardableResult
    private func train(
        _ ranks: Int, _ name: String, accumulation: Int = 1, gradients: Compiler.Precision = .float32,
        resuming: Bool = false, until last: Int = .max
    ) throws -> [Ended] {
        let path = folder.file(name)
        return try ThreadRanks.run(ranks) { communicator in
            var settings = Circle.settings(epochs: 3)
            (settings.shares, settings.accumulation, settings.logInterval) = (4, accumulation, 1)
            settings.rankGradients = gradients
            // Who computes matmuls must be the same everywhere, too.
            settings.products = .auto
            let result = try fit(
                Self.step(batch: 4), Circle.points(101, seed: 1), in: path, settings: settings,
                validation: Self.validation(), resuming: resuming, output: .silent,
                communicator: ranks == 1 ? nil : communicator
            ) { $0 >= last }
            return Ended(state: result.state, best: result.best, means: result.means)
        }
    }

    /// The lines of a run's log but for times.
    private func log(_ name: String) throws -> [NSDictionary] {
        try String(contentsOfFile: folder.file("\(name)/log.jsonl"), encoding: .utf8).split(separator: "\n").map {
            line in
            let fields = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] ?? [:]
            return fields.filter { !["seconds", "images_per_s"].contains($0.key) } as NSDictionary
        }
    }

    /// Gradients of bf16 are rounded at each node of the tree, within ranks as between them.
    @Test(arguments: [(1, Compiler.Precision.float32), (2, .float32), (2, .bfloat16)])
    func weightsDoNotDependOnRanks(accumulation: Int, gradients: Compiler.Precision) throws {
        let whole = try train(1, "run-1", accumulation: accumulation, gradients: gradients)[0]
        #expect(whole.state.step == 3 * (6 / accumulation) && whole.means["loss"]?.isFinite == true)
        #expect(try whole.state.read("random.key").integers == [3, Int32(3 * (6 / accumulation) * accumulation)])
        for ranks in [2, 4] {
            let results = try train(ranks, "run-\(ranks)", accumulation: accumulation, gradients: gradients)
            for (rank, result) in results.enumerated() {
                #expect(try haveSameBits(result.state, whole.state), "rank \(rank) of \(ranks)")
                #expect(result.best == whole.best && result.means == whole.means)
            }
            #expect(try log("run-\(ranks)") == log("run-1"))
        }
    }

    /// A run goes on with another number of ranks, and has the bits of one that was not stopped.
    @Test func goesOnWithOtherRanks() throws {
        let whole = try train(2, "whole")[0]
        try train(1, "run", until: 5)
        try train(4, "run", resuming: true, until: 11)
        let last = try train(2, "run", resuming: true)[0]
        #expect(try haveSameBits(last.state, whole.state))
        #expect(last.best == whole.best && last.means == whole.means)
    }

    /// Shares are but another order of the same sums: where nothing is drawn or normalised over a batch, they come to
    /// what the whole batch comes to.
    @Test func sharesAreTheWhole() throws {
        func trained(batch: Int, shares: Int?) throws -> ProgramState {
            let step = TrainingStep(optimizer: .sgd(learningRate: 0.1, momentum: 0.9)) {
                let labels = Input("labels", [batch], .int32)
                Loss(crossEntropy(Linear(2, 2)(Input("points", [batch, 2])), labels))
            }
            var settings = Circle.settings(epochs: 2)
            settings.shares = shares
            return try fit(
                step, Circle.points(50, seed: 1), in: folder.file("run-\(batch)"), settings: settings, output: .silent
            ).state
        }
        let whole = try trained(batch: 16, shares: nil), parts = try trained(batch: 2, shares: 8)
        for name in whole.names {
            for (a, b) in zip(try whole.read(name).floats, try parts.read(name).floats) { #expect(abs(a - b) < 1e-5) }
        }
        #expect(whole.step == parts.step)
    }

    @Test(arguments: [
        (6, 1, "reproducible is 6, which is no power of two"),
        (2, 4, "reproducible is 2, which 4 ranks cannot divide evenly among them"),
        (4, 3, "reproducible is 4, which 3 ranks cannot divide evenly among them"),
        (16, 1, "reproducible is 16, and a batch of 8 has no as many equal parts"),
    ])
    func sharesThatCannotBe(shares: Int, ranks: Int, reason: String) {
        let path = folder.file("run")
        let text = message {
            _ = try ThreadRanks.run(ranks) { communicator in
                let plan = try RunPlan<PointSettings>(
                    startingIn: path, given: ["reproducible": .integer(shares)])
                _ = try Trainer<PointTask>(plan, output: .silent, communicator: communicator)
            }
        }
        #expect(text.hasPrefix(reason), "\(text)")
        #expect(folder.contents.isEmpty)
    }
}
