import Apus
import Foundation
import MSMAE
import Testing

/// Whole runs of segmentation, stopped and gone on with; what they are started from, evaluated on and asked.
@Suite(.serialized) struct SegmentationTrainerTests {
    private let folder: ScratchFolder
    private let set: SmallMaskedSet

    init() throws {
        folder = try ScratchFolder()
        set = try SmallMaskedSet.shared.get()
    }

    @Test func aRunIsTheSameWhateverTheThreadsAndWhereverItWasStopped() throws {
        let whole = folder.file("whole"), stopped = folder.file("stopped"), moved = folder.file("moved")
        #expect(try start(SegmentationTask.self, whole, set.settings()) == .finished)
        #expect(try start(SegmentationTask.self, stopped, set.settings(["threads": .integer(1)]), until: 3) == .stopped)
        #expect(try RunResult(stopped).metadata["step_in_epoch"] == "3")
        #expect(try goOn(SegmentationTask.self, stopped, until: 8) == .stopped)
        #expect(try goOn(SegmentationTask.self, stopped, out: moved, ["threads": .integer(3)]) == .finished)
        try expectSame(whole, moved)
        let lines = try logLines(whole)
        #expect(lines[0]["task"] as? String == "segment" && lines[0]["class_names"] as? [String] == ["lesion"])
        let validations = lines.filter { $0["event"] as? String == "validation" }
        #expect(
            validations.count == 3
                && validations.allSatisfy {
                    $0["path"] as? String == "all" && $0["iou"] is Double && $0["f1"] is Double
                })
        // Statistics of all heads follow, of all steps.
        let tensors = try RunResult(whole).tensors
        for head in 1...3 { #expect(tensors["Head.Head\(head).UP_stage_2.1.num_batches_tracked"] == [12, 0, 0, 0]) }
    }

    /// Both checkpoints, and all that evaluation wrote but times.
    private func expectSame(_ expected: String, _ other: String) throws {
        #expect(try RunResult(other) == RunResult(expected))
        #expect(try RunResult(other + "/best.safetensors") == RunResult(expected + "/best.safetensors"))
        var reports = try [expected, other].map { try SegmentationReport(contentsOf: $0 + "/evaluation.json") }
        for report in reports.indices {
            for result in reports[report].results.indices { reports[report].results[result].msPerImage = 0 }
        }
        #expect(reports[0] == reports[1])
        #expect(reports[0].results.map(\.checkpoint) == ["last", "best"])
    }

    @Test func accumulatedGradientsGoOnExactlyToo() throws {
        let settings = set.settings(["accum-iter": .integer(2), "epochs": .integer(2), "variant": .text("released")])
        let whole = folder.file("whole"), stopped = folder.file("stopped")
        try start(SegmentationTask.self, whole, settings)
        try start(SegmentationTask.self, stopped, settings, until: 1)
        for step in [2, 3] { try goOn(SegmentationTask.self, stopped, until: step) }
        try goOn(SegmentationTask.self, stopped)
        try expectSame(whole, stopped)
        #expect(try RunResult(whole).tensors["VIT.blocks.0.attn.qkv.bias"] == nil)
    }

    /// The encoder comes from pre-training, behind another name; the heads are new.
    @Test func aRunBeginsWithAPreTrainedEncoder() throws {
        let pre = folder.file("pre"), run = folder.file("run")
        try train(pre, SmallSet.shared.get().settings(["epochs": .integer(1)]))
        try start(
            SegmentationTask.self, run,
            set.settings(["init": .text(pre), "lr": .number(0), "min-lr": .number(0), "epochs": .integer(1)]))
        let (before, after) = try (RunResult(pre).tensors, RunResult(run).tensors)
        for name in ["cls_token", "pos_embed", "blocks.3.attn.qkv.bias", "patch_embed.proj.weight"] {
            #expect(before[name] != nil && after["VIT." + name] == before[name], "\(name)")
        }
        // And from another segmentation, heads and all.
        let next = folder.file("next")
        try start(
            SegmentationTask.self, next,
            set.settings(["init": .text(run), "lr": .number(0), "min-lr": .number(0), "epochs": .integer(1)]))
        #expect(try RunResult(next).tensors["Head.Head3.cls_seg.weight"] == after["Head.Head3.cls_seg.weight"])
    }

    @Test func whatATrainedSegmentationFinds() throws {
        let run = folder.file("run")
        try start(SegmentationTask.self, run, set.settings(["epochs": .integer(12), "lr": .number(5e-3)]))
        let saved = try SegmentationReport(contentsOf: run + "/evaluation.json"),
            segmenter = try Segmenter(checkpoint: run, threads: 1)
        let again = try segmenter.evaluate(set.path, batch: 2).report
        #expect(again.images == 3 && again.classes == ["lesion"])
        #expect(again.results[0].classIoU == saved.results[0].classIoU && again.results[0].epoch == 11)
        #expect(abs(again.results[0].loss - saved.results[0].loss) < 1e-5)

        let path = try SegmentationFolder(root: set.path + "/train").items[0].image,
            image = try ImageDecoder().decode(path: path)
        let regions = try segmenter.regions(in: image)
        #expect(
            regions.count == 1 && regions[0].width == image.width
                && regions[0].isInside.count == image.width * image.height)
        let drawn = try image.drawing(regions), mask = try regions[0].mask()
        for (place, isInside) in regions[0].isInside.enumerated() {
            let pixel = 3 * place..<3 * place + 3
            #expect(mask.pixels[3 * place] == (isInside ? 255 : 0))
            if !isInside { #expect(drawn.pixels[pixel] == image.pixels[pixel]) }
        }
    }

    // MARK: - Mistakes

    private func message(_ body: () throws -> Void) -> String {
        do { try body() } catch { return "\(error)" }
        return ""
    }

    @Test func masksOfOtherClassesAreRefused() throws {
        let data = folder.file("data"), run = folder.file("run")
        try FileManager.default.copyItem(atPath: set.path, toPath: data)
        try FileManager.default.moveItem(atPath: data + "/val/masks/lesion", toPath: data + "/val/masks/tumour")
        #expect(
            message { try start(SegmentationTask.self, run, set.settings(["data": .text(data)])) }
                == "\(data)/val/masks: there are masks of tumour, and the model was trained on lesion")
        try FileManager.default.removeItem(atPath: data + "/val/masks")
        #expect(
            message { try start(SegmentationTask.self, run, set.settings(["data": .text(data)])) }.hasPrefix(
                "\(data)/val/masks: "))
        #expect(!FileManager.default.fileExists(atPath: run))
    }

    @Test func checkpointsOfOtherKindsAreRefused() throws {
        let pre = folder.file("pre"), run = folder.file("run")
        try train(pre, SmallSet.shared.get().settings(["epochs": .integer(1)]))
        try start(SegmentationTask.self, run, set.settings(["epochs": .integer(1)]))
        let preLatest = try #require(try RunFolder(opening: pre).latestCheckpoint()).path,
            latest = try #require(try RunFolder(opening: run).latestCheckpoint()).path
        #expect(
            message { _ = try Segmenter(checkpoint: pre) }
                == "\(preLatest): a checkpoint of pre-training cannot segment; train from it by msmae segment train --init"
        )
        #expect(
            message { _ = try Classifier(checkpoint: run) }
                == "\(latest): a checkpoint of segmentation has no classifier that could be evaluated; "
                + "look at its regions by msmae segment predict or msmae segment evaluate"
        )
        #expect(
            message { _ = try TrainedModel(checkpoint: run) }
                == "\(latest): not a checkpoint that can be used: a segmentation has neither attention maps nor a decoder to draw; "
                + "msmae segment predict draws its regions")
        #expect(
            message { try goOn(SegmentationTask.self, pre) }
                == "\(preLatest): a run of pre-training, and this is segmentation: go on with it by msmae pretrain --resume"
        )
    }
}

/// Counts of pixels, against numbers worked out by hand.
@Suite struct SegmentationEvaluationTests {
    @Test func overlapsOfAllPixelsAndByImage() {
        var evaluation = SegmentationEvaluation(classes: 2)
        // Class 0: one common, one found, one missed; class 1: nothing anywhere.
        evaluation.add(logits: [2, 1, -1, -2, -1, -1, -1, -1], masks: [1, 0, 1, 0, 0, 0, 0, 0])
        // Class 0: all four common; class 1: two found that are not there.
        evaluation.add(logits: [1, 1, 1, 1, 1, 1, -1, -1], masks: [1, 1, 1, 1, 0, 0, 0, 0])
        #expect(evaluation.counts.map { [$0.common, $0.found, $0.missed] } == [[5, 1, 1], [0, 2, 0]])
        #expect(evaluation.counts.map(\.iou) == [5.0 / 7, 0] && evaluation.counts.map(\.f1) == [10.0 / 12, 0])
        #expect(evaluation.iou == 2.5 / 7 && evaluation.f1 == 5.0 / 12)
        #expect(abs(evaluation.imageIoU - ((1.0 / 3 + 1) / 2 + (1.0 + 0) / 2) / 2) < 1e-15)
        #expect(abs(evaluation.imageF1 - ((0.5 + 1) / 2 + (1.0 + 0) / 2) / 2) < 1e-15)
    }

    @Test func lossOfOneImage() {
        var evaluation = SegmentationEvaluation(classes: 1)
        evaluation.add(logits: [0, 0], masks: [1, 0])
        // Cross entropy ln 2; Dice 1 − 2 · 0.5 / (1 + 1).
        #expect(abs(evaluation.loss - (0.5 * 0.6931471805599453 + 0.5)) < 1e-5)
        evaluation.add(logits: [1000, -1000], masks: [1, 0])
        #expect(abs(evaluation.loss - (0.5 * 0.6931471805599453 + 0.5) / 2) < 1e-5)
    }
}
