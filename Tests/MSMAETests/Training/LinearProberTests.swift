import Apus
import Foundation
import MSMAE
import Testing

/// Runs of linear probing, and of several seeds.
@Suite(.serialized) struct LinearProberTests {
    typealias Task = ClassifierTask<LinearProbingSettings>

    private let folder: ScratchFolder
    private let set: SmallSet

    init() throws {
        folder = try ScratchFolder()
        set = try SmallSet.shared.get()
    }

    private func settings(_ changes: [String: SettingValue] = [:]) -> [String: SettingValue] {
        let settings: [String: SettingValue] = [
            "data": .text(set.path), "preset": .text("demo"), "image-size": .integer(32), "epochs": .integer(2),
            "batch": .integer(8),
            "warmup-epochs": .number(1), "threads": .integer(2),
        ]
        return settings.merging(changes) { $1 }
    }

    @Test func aBatchOfOneIsRefusedByName() throws {
        var settings = LinearProbingSettings()
        settings.batch = 1
        let error = #expect(throws: SettingError.self) { try settings.configuration(classes: 2) }
        #expect(
            error?.description
                == "batch is 1; it must be from 2 on, since a batch of one has no variance for the head's BatchNorm")
    }

    @Test func theHeadLearnsAndTheEncoderStays() throws {
        let pre = folder.file("pre"), whole = folder.file("whole"), stopped = folder.file("stopped")
        try train(pre, set.settings, until: 2)
        let settings = settings(["init": .text(pre)])
        try start(Task.self, whole, settings)
        let before = try RunResult(pre).tensors, after = try RunResult(whole).tensors
        for name in after.keys where before[name] != nil && !name.hasPrefix("head.") && !name.hasPrefix("optimizer.") {
            #expect(after[name] == before[name], "\(name)")
        }
        #expect(after["head.1.weight"] != nil && after["head.0.running_mean"] != nil)
        #expect(
            after.keys.filter { $0.hasPrefix("optimizer.") }.sorted() == [
                "optimizer.mu.head.1.bias", "optimizer.mu.head.1.weight",
            ])

        try start(Task.self, stopped, settings, until: 1)
        for step in [3, 6] { try goOn(Task.self, stopped, until: step) }
        try goOn(Task.self, stopped)
        #expect(try RunResult(stopped) == RunResult(whole))
        #expect(try EvaluationReport(contentsOf: whole + "/evaluation.json").results.map(\.path) == [.all, .all])
    }

    @Test func theDefaultsAreThoseOfMAE() {
        let settings = LinearProbingSettings()
        #expect(
            settings.batch == 512 && settings.epochs == 90 && settings.baseLearningRate == 0.1
                && settings.weightDecay == 0)
        let fine = FineTuningSettings()
        #expect(
            fine.layerDecay == 0.75 && fine.dropPath == 0.1 && fine.smoothing == 0.1 && fine.minimumLearningRate == 1e-6
        )
        #expect(
            fine.warmupEpochs == 5 && fine.attentionInterval == 20 && fine.weightDecay == 0.05
                && !(fine.mixup?.isOn ?? true))
    }

    // MARK: - Several seeds

    @Test func severalSeedsAreComparedAndGoneOnWith() throws {
        let runs = folder.file("runs"), single = folder.file("single")
        let interrupted = try SeedRuns<Task>(startingIn: runs, count: 2, given: settings(["seed": .integer(5)]))
        // Both runs make 8 steps; the first one finishes, the second stops after 3.
        var asked = 0
        #expect(
            try interrupted.run(output: .silent) { step in
                if step == 0 { asked += 1 }
                return asked > 1 && step >= 3
            } == .stopped)
        #expect(!FileManager.default.fileExists(atPath: runs + "/summary.json"))
        #expect(throws: RunError.runExists(path: runs + "/seed-5")) {
            try SeedRuns<Task>(startingIn: runs, count: 2, given: settings(["seed": .integer(5)]))
        }

        #expect(
            try SeedRuns<Task>(resuming: runs, count: 3, given: [:]).run(output: .silent) { _ in false } == .finished)
        try start(Task.self, single, settings(["seed": .integer(6)]))
        #expect(try RunResult(runs + "/seed-6") == RunResult(single))

        let summary = try JSONDecoder().decode(
            SeedSummary.self, from: Data(contentsOf: URL(fileURLWithPath: runs + "/summary.json")))
        #expect(summary.seeds == [5, 6, 7] && summary.task == "linprobe")
        let loss = try #require(summary.results["last.all.loss"])
        #expect(try loss.values[1] == EvaluationReport(contentsOf: single + "/evaluation.json").results[0].loss)
        #expect(throws: RunError.noRuns(path: single)) { try SeedRuns<Task>(resuming: single, count: 2, given: [:]) }
    }

    @Test func theDeviationIsThatOfASample() throws {
        let summary = SeedSummary(task: "finetune", seeds: [0, 1, 2], [["a": 1, "b": 1], ["a": 2], ["a": 6]])
        let spread = try #require(summary.results["a"])
        #expect(
            summary.results.count == 1 && spread.mean == 3 && spread.deviation == 7.0.squareRoot()
                && spread.values == [1, 2, 6])
        #expect(SeedSummary(task: "finetune", seeds: [0], [["a": 1]]).results["a"]?.deviation == nil)
        #expect(summary.text == "3 seeds: mean and standard deviation\n  a  3.0000 ± 2.6458")
    }

    // MARK: - Dry runs

    @Test func aDryRunCountsAndWritesNothing() throws {
        let run = folder.file("run")
        let given = set.settings(["accum-iter": .integer(2), "epochs": .integer(5), "attention-start": .integer(2)])
        let dry = try PreTrainer(RunPlan(startingIn: run, given: given), output: .silent).dryRun()
        #expect(!FileManager.default.fileExists(atPath: run))
        #expect(
            dry.phases.map(\.name) == ["random masking", "attention masking"]
                && dry.phases.map(\.steps) == [4, 6]
                && dry.imagesPerStep == 16)
        #expect(
            dry.phases.allSatisfy {
                $0.secondsPerStep > 0 && $0.optimizerBytes > 0 && $0.weightBytes > 0 && $0.activationBytes > 0
            })

        try train(run, given, until: 5)
        let size = try FileManager.default.subpathsOfDirectory(atPath: run).count
        let rest = try PreTrainer(RunPlan(resuming: run, given: [:]), output: .silent).dryRun()
        #expect(rest.phases.map(\.steps) == [5] && rest.phases.map(\.epochs) == [3])
        #expect(try FileManager.default.subpathsOfDirectory(atPath: run).count == size)
    }
}
