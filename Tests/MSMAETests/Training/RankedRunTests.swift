import Apus
import Foundation
import MSMAE
import Testing

/// Whole runs on ranks that are threads: what they divide comes to what one rank makes of it.
@Suite(.serialized) struct RankedRunTests {
    private let folder: ScratchFolder

    init() throws { folder = try ScratchFolder() }

    /// Trains on so many ranks.
    private func train<Task: ConfiguredTask>(
        _: Task.Type, ranks: Int, _ name: String, _ settings: [String: SettingValue]
    ) throws -> String {
        let path = folder.file(name)
        let outcomes = try ThreadRanks.run(ranks) { communicator in
            try Trainer<Task>(
                RunPlan(startingIn: path, given: settings), output: .silent, communicator: communicator
            ) { _ in false }.run()
        }
        #expect(outcomes == [TrainingOutcome](repeating: .finished, count: ranks))
        return path
    }

    private func settings(_ changes: [String: SettingValue]) -> [String: SettingValue] {
        let settings: [String: SettingValue] = [
            "data": .text(folder.file("data")), "preset": .text("demo"), "image-size": .integer(32),
            "batch": .integer(6), "epochs": .integer(1), "threads": .integer(1),
        ]
        return settings.merging(changes) { $1 }
    }

    /// Two batches of validation images, on three ranks none for the last: the evaluation is that of one process, bit
    /// for bit, and so is that of the best weights.
    @Test(arguments: [2, 3])
    func classificationInShares(ranks: Int) throws {
        let data = folder.file("data")
        try PhantomDataSet.write(to: data, classes: 2, train: 16, validation: 9, size: 40, seed: 3)
        let run = try train(
            ClassifierTask<FineTuningSettings>.self, ranks: ranks, "run",
            settings(["epochs": .integer(2), "warmup-epochs": .number(0), "blr": .number(0.05)]))
        let found = try EvaluationReport(contentsOf: run + "/evaluation.json").results
        for checkpoint in ["last", "best"] {
            let file = checkpoint == "last" ? run : run + "/best.safetensors"
            let expected = try Classifier(checkpoint: file, threads: 1).evaluate(data).report.results
            let own = found.filter { $0.checkpoint == checkpoint }
            #expect(own.map(\.confusion) == expected.map(\.confusion))
            #expect(own.map(\.auc) == expected.map(\.auc) && own.map(\.loss) == expected.map(\.loss))
            #expect(own.map(\.path) == [.all, .masked])
            #expect(own.allSatisfy { $0.confusion.joined().reduce(0, +) == 9 })
        }
        let validations = try logLines(run).filter { $0["event"] as? String == "validation" }
        let logged = try #require(validations.last?["loss"] as? Double)
        let last = try #require(found.last { $0.checkpoint == "last" })
        #expect(abs(logged - last.loss) < 1e-12)
    }

    @Test func segmentationInShares() throws {
        let data = folder.file("data")
        try PhantomDataSet.write(to: data, layout: .masks, classes: 2, train: 12, validation: 7, size: 40, seed: 4)
        let run = try train(
            SegmentationTask.self, ranks: 2, "run", settings(["head-width": .integer(8), "lr": .number(1e-3)]))
        let found = try #require(
            try SegmentationReport(contentsOf: run + "/evaluation.json").results.first { $0.checkpoint == "last" })
        let expected = try #require(
            try Segmenter(checkpoint: run, threads: 1).evaluate(data).report.results.first)
        #expect(found.loss == expected.loss && found.classIoU == expected.classIoU && found.f1 == expected.f1)
        #expect(found.imageIoU == expected.imageIoU && found.imageF1 == expected.imageF1)
    }

    /// Attention maps of the first weights, and the baseline, which is of all images.
    @Test(arguments: [2, 3])
    func mapsInShares(ranks: Int) throws {
        try PhantomDataSet.write(to: folder.file("data"), classes: 2, train: 22, validation: 2, size: 40, seed: 3)
        let settings = settings(["attention-start": .integer(0), "warmup-epochs": .number(0)])
        let runs = try [1, ranks].map { try train(PreTrainingTask.self, ranks: $0, "run-\($0)", settings) }
        let baselines = try runs.map { try logLines($0)[0]["mean_patch_baseline"] as? Double }
        #expect(baselines[0] != nil && baselines[0] == baselines[1])
        let maps = try runs.map { run in
            let checkpoint = try #require(try RunFolder(opening: run).latestCheckpoint())
            return try SafetensorsFile(contentsOf: checkpoint.path).floats("attention_maps")
        }
        #expect(maps[0].count == maps[1].count)
        #expect(zip(maps[0], maps[1]).allSatisfy { abs($0 - $1) < 1e-6 })
    }

    /// With `--reproducible`, all that a run writes is the same on any number of ranks: mixed images, masks, dropped
    /// paths, averages of weights, statistics of BatchNorm, metrics, maps.
    private func expectSameOnAllRanks<Task: ConfiguredTask>(
        _ task: Task.Type, _ changes: [String: SettingValue]
    ) throws {
        let settings = settings(["reproducible": .integer(4), "batch": .integer(8), "epochs": .integer(2)])
            .merging(changes) { $1 }
        let whole = try train(task, ranks: 1, "run-1", settings)
        for ranks in [2, 4] {
            let run = try train(task, ranks: ranks, "run-\(ranks)", settings)
            #expect(try RunResult(run) == RunResult(whole), "\(ranks) ranks")
            let logs = try [run, whole].map { run in
                try logLines(run).map { $0.filter { !["seconds", "images_per_s"].contains($0.key) } as NSDictionary }
            }
            #expect(logs[0] == logs[1] && !logs[0].isEmpty)
        }
    }

    @Test func fineTuningDoesNotDependOnRanks() throws {
        try PhantomDataSet.write(to: folder.file("data"), classes: 2, train: 16, validation: 9, size: 40, seed: 3)
        try expectSameOnAllRanks(
            ClassifierTask<FineTuningSettings>.self,
            [
                "warmup-epochs": .number(0), "blr": .number(0.05), "mixup": .number(0.8), "ema": .number(0.9),
                "clip-grad": .number(0.5), "drop-path": .number(0.4),
            ])
    }

    @Test func preTrainingDoesNotDependOnRanks() throws {
        try PhantomDataSet.write(to: folder.file("data"), classes: 2, train: 16, validation: 2, size: 40, seed: 3)
        try expectSameOnAllRanks(
            PreTrainingTask.self,
            ["attention-start": .integer(1), "warmup-epochs": .number(0), "blr": .number(0.03)])
    }

    @Test func segmentationDoesNotDependOnRanks() throws {
        let data = folder.file("data")
        try PhantomDataSet.write(to: data, layout: .masks, classes: 2, train: 16, validation: 7, size: 40, seed: 4)
        try expectSameOnAllRanks(
            SegmentationTask.self, ["head-width": .integer(8), "lr": .number(1e-3), "accum-iter": .integer(2)])
    }
}
