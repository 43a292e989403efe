import Apus
import Foundation
import MSMAE
import Testing

/// Runs whose images lie decoded in a folder.
@Suite(.serialized) struct ImageCacheRunTests {
    private let folder: ScratchFolder
    private let set: SmallSet
    private let cache: String

    init() throws {
        (folder, set) = (try ScratchFolder(), try SmallSet.shared.get())
        cache = folder.file("cache")
    }

    private var entries: Int {
        get throws {
            try FileManager.default.contentsOfDirectory(atPath: cache).count { $0.hasSuffix(".pixels") }
        }
    }

    @Test func weightsAreTheSameWithACache() throws {
        let kept: [String: SettingValue] = ["image-cache": .text(cache), "image-cache-size": .text("1GB")]
        try start(PreTrainingTask.self, folder.file("plain"), set.settings)
        let expected = try RunResult(folder.file("plain"))
        for run in ["cold", "warm"] {
            try start(PreTrainingTask.self, folder.file(run), set.settings(kept))
            #expect(try RunResult(folder.file(run)).tensors == expected.tensors)
            #expect(try entries >= 32)
        }
    }

    @Test func segmentationKeepsScaledImages() throws {
        let set = try SmallMaskedSet.shared.get(), changes: [String: SettingValue] = ["epochs": .integer(1)]
        try start(SegmentationTask.self, folder.file("plain"), set.settings(changes))
        for run in ["cold", "warm"] {
            try start(
                SegmentationTask.self, folder.file(run),
                set.settings(changes.merging(["image-cache": .text(cache)]) { $1 }))
            #expect(try RunResult(folder.file(run)).tensors == RunResult(folder.file("plain")).tensors)
            #expect(try entries == 19)
        }
    }

    /// Where images are kept may change on the way; what is kept of them is part of the run.
    @Test func resumedRunsKeepTheShorterSide() throws {
        let run = folder.file("run"), settings = set.settings(["shorter-side": .integer(36), "epochs": .integer(1)])
        try start(PreTrainingTask.self, run, settings, until: 1)
        let error = #expect(throws: RunError.self) {
            try goOn(PreTrainingTask.self, run, ["shorter-side": .integer(38)])
        }
        #expect(error?.description.contains("shorter-side") == true, "\(String(describing: error))")
        #expect(try goOn(PreTrainingTask.self, run, ["image-cache": .text(cache)]) == .finished)
        #expect(try entries >= 24)  // those of the three batches that were left
        let whole = folder.file("whole")
        try start(PreTrainingTask.self, whole, settings)
        #expect(try RunResult(run).tensors == RunResult(whole).tensors)
        try start(PreTrainingTask.self, folder.file("other"), set.settings(["epochs": .integer(1)]))
        #expect(try RunResult(folder.file("other")).tensors != RunResult(whole).tensors)
    }

    @Test func theFolderMayNotBeAClass() throws {
        let error = #expect(throws: DataError.self) {
            try start(
                PreTrainingTask.self, folder.file("run"),
                set.settings(["image-cache": .text(set.path + "/train/cache")]))
        }
        #expect(error?.code == .invalidArgument)
        #expect(!FileManager.default.fileExists(atPath: set.path + "/train/cache"))
    }

    /// Said once, though training and validation meet it.
    @Test func aCacheThatCannotBeWrittenIsAWarning() throws {
        let file = folder.file("file")
        try Data([1]).write(to: URL(fileURLWithPath: file))
        var warnings: [String] = []
        let output = TrainingOutput(
            progress: ProgressWriter(isTerminal: false) { _ in }, warn: { warnings.append($0) }, write: { _ in })
        let plan = try FineTuningPlan(
            startingIn: folder.file("run"),
            given: set.fineTuning(["image-cache": .text(file + "/cache"), "epochs": .integer(1)]))
        #expect(try FineTuner(plan, output: output).run() == .finished)
        #expect(warnings.count { $0.contains("image cache") } == 1, "\(warnings)")
    }
}
