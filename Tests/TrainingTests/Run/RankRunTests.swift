import Apus
import Foundation
import Testing

/// Runs of the trainer on ranks that are threads.
@Suite final class RankRunTests {
    private let folder = TemporaryFolder()

    /// What a run on one rank has come to.
    private struct Ended: Sendable {
        let state: ProgramState, best: BestEpoch?, isFinished: Bool
    }

    private func train(
        _ ranks: Int, _ name: String, batch: Int, epochs: Int = 2, resuming: Bool = false,
        until last: @escaping @Sendable (_ rank: Int) -> Int = { _ in .max },
        data: @escaping @Sendable (_ rank: Int) throws -> any DataSource = { _ in try Circle.points(70, seed: 1) }
    ) throws -> [Ended] {
        let path = folder.file(name)
        return try ThreadRanks.run(ranks) { communicator in
            func go(_ data: some DataSource) throws -> Ended {
                let result = try fit(
                    Circle.step(batch: batch), data, in: path, settings: Circle.settings(epochs: epochs),
                    validation: Circle.validation(Circle.points(33, seed: 2)), resuming: resuming,
                    allowingChanges: resuming, output: .silent, communicator: communicator
                ) { $0 >= last(communicator.rank) }
                return Ended(state: result.state, best: result.best, isFinished: result.isFinished)
            }
            return try go(data(communicator.rank))
        }
    }

    /// All ranks end with the same weights, the first writes, and the run sees what one rank sees.
    @Test(arguments: [2, 3])
    func trainsTogether(ranks: Int) throws {
        let results = try train(ranks, "run", batch: 5)
        for result in results {
            #expect(result.isFinished && result.state.step == 2 * (70 / (5 * ranks)))
            for name in result.state.names where name != "random.key" {
                #expect(try result.state.read(name) == results[0].state.read(name), "\(name)")
            }
            #expect(result.best == results[0].best)
        }
        let log = try String(contentsOfFile: folder.file("run/log.jsonl"), encoding: .utf8)
        #expect(log.split(separator: "\n").count { $0.contains(#""event":"epoch""#) } == 2)
        #expect(folder.contents == ["run"])
    }

    /// Samples of the validation are those of one process, however many ranks share them, and in their order.
    @Test(arguments: [2, 3, 5])
    func validationInShares(ranks: Int) throws {
        let path = folder.file("run"), samples = try Circle.points(2, seed: 9)
        let seen = try ThreadRanks.run(ranks) { communicator in
            var seen: [[Float]] = []
            let step = InferenceStep {
                let points = Input("points", [1, 2])
                Output("points", points * 2)
                Output("logits", Circle.Classifier()(points))
            }
            let validation = Validation(step, samples) { outputs in
                seen += [outputs["points"]?.floats ?? [], outputs["logits"]?.floats ?? []]
                return 1
            }
            _ = try fit(
                Circle.step(batch: 3), Circle.points(30, seed: 1), in: path, settings: Circle.settings(epochs: 1),
                validation: validation, output: .silent, communicator: communicator)
            return seen
        }
        for rank in seen { #expect(rank == seen[0]) }
        #expect(seen[0][0] == samples.tensors["points"]?.floats.map { $0 * 2 })
        #expect(seen[0][1].count == 4 && Set(seen[0][1]).count == 4)
    }

    /// What fails on one rank within a validation that ranks share ends all of them.
    @Test func aValidationThatFailsOnOneRank() throws {
        struct Unreadable: Error {}
        let path = folder.file("run"), points = try Circle.points(70, seed: 2)
        let text = message {
            _ = try ThreadRanks.run(3) { communicator in
                let data = Watched(samples: points) { samples, _ in if samples.contains(40) { throw Unreadable() } }
                let step = InferenceStep { Output("class", argmax(Circle.Classifier()(Input("points", [32, 2])))) }
                _ = try fit(
                    Circle.step(batch: 5), Circle.points(30, seed: 1), in: path, settings: Circle.settings(epochs: 1),
                    validation: Validation(step, data) { _ in 1 }, output: .silent, communicator: communicator)
            }
        }
        #expect(text == "Unreadable()" || text == "rank 1 has failed in the validation, and says why")
        #expect(try !FileManager.default.contentsOfDirectory(atPath: folder.file("run/checkpoints")).isEmpty)
    }

    /// A run that one rank was asked to stop goes on with another number of ranks; its step has another batch then.
    @Test func stopsAndGoesOn() throws {
        let stopped = try train(2, "run", batch: 5, epochs: 3, until: { $0 == 1 ? 9 : .max })
        #expect(stopped.allSatisfy { !$0.isFinished && $0.state.step == 9 })
        let resumed = try train(1, "run", batch: 10, epochs: 3, resuming: true)
        #expect(resumed[0].isFinished && resumed[0].state.step == 21)
    }

    @Test func dataThatDiffersIsNamed() {
        let text = message {
            _ = try train(3, "run", batch: 5, data: { try Circle.points($0 == 2 ? 71 : 70, seed: 1) })
        }
        #expect(text == "the data is 71 samples on rank 2 and 70 samples on rank 0; start all ranks with the same")
        #expect(folder.contents.isEmpty)
    }

    @Test func settingsThatDifferAreNamed() {
        let path = folder.file("run")
        let text = message {
            _ = try ThreadRanks.run(2) { communicator in
                var settings = Circle.settings(epochs: 3)
                settings.logInterval = 7 + communicator.rank
                _ = try fit(
                    Circle.step(), Circle.points(70, seed: 1), in: path, settings: settings, output: .silent,
                    communicator: communicator)
            }
        }
        #expect(text == "the setting 'log-every' is 8 on rank 1 and 7 on rank 0; start all ranks with the same")
        #expect(folder.contents.isEmpty)
    }

    @Test func aBatchThatRanksCannotShare() {
        let path = folder.file("run")
        let text = message {
            _ = try ThreadRanks.run(3) { communicator in
                let plan = try RunPlan<PointSettings>(startingIn: path, given: [:])
                _ = try Trainer<PointTask>(plan, output: .silent, communicator: communicator)
            }
        }
        #expect(
            text == "batch is 8, which 3 ranks cannot share evenly; take a multiple of 3, or another number of ranks")
        #expect(folder.contents.isEmpty)
    }

    /// A sample that cannot be read on one rank ends all of them in order, with what was trained.
    @Test func aRankThatCannotReadSavesTheRun() throws {
        struct Unreadable: Error {}
        let text = message {
            _ = try train(
                2, "run", batch: 5,
                data: { rank in
                    Watched(samples: try Circle.points(70, seed: 1)) { _, epoch in
                        if rank == 1, epoch == 1 { throw Unreadable() }
                    }
                })
        }
        #expect(text == "Unreadable()" || text == "rank 1 has failed in reading a batch, and says why")
        #expect(try !FileManager.default.contentsOfDirectory(atPath: folder.file("run/checkpoints")).isEmpty)
    }

    /// Weights that differ between ranks, as after an error of memory, end the run with the weight's name.
    @Test func weightsThatDriftAreNamed() throws {
        let path = folder.file("run")
        let text = message {
            _ = try ThreadRanks.run(2) { communicator in
                let plan = try RunPlan<PointSettings>(startingIn: path, given: [:])
                var drift: (() throws -> Void)?
                let trainer = try Trainer<PointTask>(plan, output: .silent, communicator: communicator) { step in
                    if step == 3 { try? drift?() }
                    return false
                }
                let state = trainer.state
                drift = {
                    guard communicator.rank == 1 else { return }
                    var bias = try state.read("2.bias").floats
                    bias[0] += 0.01
                    try state.write("2.bias", TensorData(bias))
                }
                _ = try trainer.run()
            }
        }
        #expect(text.hasPrefix("after step 4, '2.bias' has other bits on rank 1 than on rank 0"), "\(text)")
    }
}
