import Apus
import Foundation
import MSMAE
import Testing

/// Whole runs through both phases of masking, stopped and gone on with.
@Suite(.serialized) struct PreTrainerTests {
    private let folder: ScratchFolder
    private let set: SmallSet

    init() throws {
        folder = try ScratchFolder()
        set = try SmallSet.shared.get()
    }

    @Test func aRunIsTheSameWhateverTheThreadsAndWhereverItWasStopped() throws {
        let whole = folder.file("whole"), stopped = folder.file("stopped"), moved = folder.file("moved")
        #expect(try train(whole, set.settings) == .finished)
        let expected = try RunResult(whole)

        // In the middle of an epoch with random masking, then of one with attention masking, then with another thread
        // count.
        #expect(try train(stopped, set.settings(["threads": .integer(1)]), until: 2) == .stopped)
        #expect(try RunResult(stopped).metadata["step_in_epoch"] == "2")
        let log = try RunLog(path: stopped + "/log.jsonl")
        try log.append([("event", .text("step")), ("step", .integer(3))])
        #expect(try resume(stopped, until: 9) == .stopped)
        #expect(try resume(stopped, out: moved, ["threads": .integer(3)]) == .finished)

        #expect(try RunResult(moved) == expected)
        #expect(try RunResult(stopped).metadata["step"] == "9")
        try expectLogs(whole, moved)
    }

    /// The log of a run that was stopped says what that of an uninterrupted one says, times aside.
    private func expectLogs(_ expected: String, _ other: String) throws {
        let pairs = zip(try logLines(expected), try logLines(other))
        #expect(try logLines(expected).count == logLines(other).count)
        for (first, second) in pairs {
            for key in [
                "event", "epoch", "step", "loss", "reconstruction_loss", "accuracy", "lr", "masking",
                "mean_patch_baseline",
            ] {
                #expect(first[key] as? NSObject == second[key] as? NSObject, "\(key)")
            }
        }
        let losses = try logLines(expected).compactMap { $0["loss"] as? Double }
        #expect(losses.count == 9 && losses.allSatisfy(\.isFinite))
        #expect(try logLines(expected).compactMap { $0["masking"] as? String }.first == "random")
        #expect(try logLines(expected).last?["masking"] as? String == "attention")
    }

    /// The same images in the same order, in both precisions: losses fall alike.
    @Test func mixedPrecisionLearnsAsFast() throws {
        /// Means of the loss over 20 steps each.
        func curve(_ precision: String) throws -> [Double] {
            let run = folder.file(precision)
            try train(
                run,
                set.settings([
                    "precision": .text(precision), "epochs": .integer(25), "attention-start": .integer(25),
                    "log-every": .integer(1),
                ]))
            let losses = try logLines(run).compactMap { $0["event"] as? String == "step" ? $0["loss"] as? Double : nil }
            #expect(losses.count == 100)
            return stride(from: 0, to: losses.count, by: 20).map { losses[$0..<$0 + 20].reduce(0, +) / 20 }
        }
        let full = try curve("fp32"), mixed = try curve("bf16")
        #expect(full[full.count - 1] < 0.8 * full[0], "\(full)")
        for (a, b) in zip(full, mixed) { #expect(abs(a - b) <= 0.02 * a, "\(full), \(mixed)") }
    }

    /// With the least memory in which the program fits, weights come out the same, bit for bit; with less there is no
    /// run.
    @Test func aMemoryLimitChangesNoBit() throws {
        let settings: [String: SettingValue] = ["epochs": .integer(1), "attention-start": .integer(1)]
        let whole = folder.file("whole"), limited = folder.file("limited")
        try train(whole, set.settings(settings))
        let error = try #require(throws: MemoryLimitError.self) {
            try train(folder.file("none"), set.settings(settings.merging(["memory-limit": .text("1KB")]) { $1 }))
        }
        try train(limited, set.settings(settings.merging(["memory-limit": .text("\(error.smallest)")]) { $1 }))
        #expect(try RunResult(limited).tensors == RunResult(whole).tensors)
    }

    @Test func accumulatedGradientsGoOnExactlyToo() throws {
        let settings = set.settings(["accum-iter": .integer(2), "batch": .integer(6), "epochs": .integer(2)])
        let whole = folder.file("whole"), stopped = folder.file("stopped")
        try train(whole, settings)
        let expected = try RunResult(whole)
        #expect(expected.metadata["step"] == "4")  // 32 images make 5 batches, the last of which makes no pair
        #expect(!expected.tensors.keys.contains { $0.hasPrefix("accumulated.") })
        try train(stopped, settings, until: 1)
        try resume(stopped, until: 3)
        try resume(stopped)
        #expect(try RunResult(stopped) == expected)
    }

    @Test func theBaselineNeedsNeitherLabelsNorMaps() throws {
        let whole = folder.file("whole"), stopped = folder.file("stopped")
        let settings = set.settings([
            "method": .text("mae"), "attention-start": .integer(0), "ema": .number(0.9), "clip-grad": .number(1),
        ])
        try train(whole, settings)
        try train(stopped, settings, until: 5)
        try resume(stopped)
        #expect(try RunResult(stopped) == RunResult(whole))
        let tensors = try RunResult(whole).tensors
        #expect(
            !tensors.keys.contains("head.weight") && !tensors.keys.contains("attention_maps")
                && tensors.keys.contains("ema.cls_token"))
        #expect(
            try logLines(whole).allSatisfy {
                $0["classification_loss"] == nil && $0["masking"] as? String != "attention"
            })
        #expect(
            try logLines(whole).first?["class_names"] as? [String] == ImageFolder(root: set.path + "/train").classes)
    }

    @Test func attentionMasksFromTheStart() throws {
        let run = folder.file("run")
        try train(
            run, set.settings(["attention-start": .integer(0), "epochs": .integer(1), "norm-pix-loss": .flag(true)]))
        let maps = try #require(RunResult(run).tensors["attention_maps"])
        #expect(maps.count == 32 * 16 * 4)
        #expect(try logLines(run).last?["masking"] as? String == "attention")
    }

    @Test func aLossThatIsNotFiniteEndsTheRun() throws {
        let run = folder.file("run")
        let settings = set.settings(["lr": .number(1e30), "warmup-epochs": .integer(0), "attention-start": .integer(9)])
        let error = #expect(throws: RunError.self) { try train(run, settings) }
        let text = try #require(error?.description)
        #expect(text.hasPrefix("the loss is not finite in epoch 1, step 2: it begins with "), "\(text)")
        #expect(text.hasSuffix("; try a lower learning rate, or --clip-grad 1; there is no checkpoint yet"), "\(text)")
        #expect(try RunFolder(opening: run).checkpoints().isEmpty)
    }

    @Test func aCheckpointThatDoesNotFitIsNamedWithItsFaults() throws {
        let run = folder.file("run")
        try train(run, set.settings, until: 1)
        let latest = try #require(try RunFolder(opening: run).latestCheckpoint()).path
        let metadata = try SafetensorsFile(contentsOf: latest).metadata
        try SafetensorsWriter.write(
            to: latest, metadata: metadata, tensors: [.init("cls_token", [1, 2], floats: [0, 0])])
        var error = #expect(throws: RunError.self) { try resume(run) }
        #expect(
            try #require(error?.description).hasPrefix(
                "\(latest): the checkpoint does not fit the model: 'cls_token' is F32 [1, 2] in the file and F32 [1, 1, 96] in the model; '"
            ))
        #expect(try #require(error?.description).hasSuffix(" more"))

        try SafetensorsWriter.write(to: latest, metadata: ["format": "pt"], tensors: [])
        error = #expect(throws: RunError.self) { try resume(run) }
        #expect(
            error?.description
                == "\(latest): not a checkpoint that can be used: it was not written by this program's pre-training")

        try Data([1, 2, 3]).write(to: URL(fileURLWithPath: latest))
        #expect(throws: RunFolderError.self) { try resume(run) }
    }

    @Test func picturesHaveTheirSizes() throws {
        let run = folder.file("run")
        try train(run, set.settings, until: 1)
        let model = try TrainedModel(checkpoint: run)
        let image = try RGBImage(width: 50, height: 40, pixels: (0..<6000).map { UInt8($0 % 251) })
        let attention = try model.attentionPicture(of: image)
        #expect(attention.width == 50 && attention.height == 40)
        for masking in Masking.allCases {
            let picture = try model.reconstructionPicture(of: image, masking: masking, seed: 1)
            #expect(picture.width == 3 * 32 + 2 * RGBImage.rowGap && picture.height == 32)
            #expect(try picture == model.reconstructionPicture(of: image, masking: masking, seed: 1))
            #expect(try picture != model.reconstructionPicture(of: image, masking: masking, seed: 2))
        }
        #expect(try attention.enlarged(3).width == 150)
    }
}
