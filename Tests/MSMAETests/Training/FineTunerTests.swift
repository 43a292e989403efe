import Apus
import Foundation
import MSMAE
import Testing

/// Whole runs of fine-tuning, stopped and gone on with.
@Suite(.serialized) struct FineTunerTests {
    typealias Task = ClassifierTask<FineTuningSettings>

    private let folder: ScratchFolder
    private let set: SmallSet

    init() throws {
        folder = try ScratchFolder()
        set = try SmallSet.shared.get()
    }

    @Test func aRunIsTheSameWhateverTheThreadsAndWhereverItWasStopped() throws {
        let whole = folder.file("whole"), stopped = folder.file("stopped"), moved = folder.file("moved")
        #expect(try start(Task.self, whole, set.fineTuning()) == .finished)
        #expect(try start(Task.self, stopped, set.fineTuning(["threads": .integer(1)]), until: 3) == .stopped)
        #expect(try RunResult(stopped).metadata["step_in_epoch"] == "3")
        #expect(try goOn(Task.self, stopped, until: 8) == .stopped)
        #expect(try goOn(Task.self, stopped, out: moved, ["threads": .integer(3)]) == .finished)
        try expectSame(whole, moved)
        try expectSameLogs(whole, moved)
    }

    /// Both checkpoints, and all that evaluation wrote but times.
    private func expectSame(_ expected: String, _ other: String) throws {
        #expect(try RunResult(other) == RunResult(expected))
        #expect(try RunResult(other + "/best.safetensors") == RunResult(expected + "/best.safetensors"))
        for name in ["predictions-all.csv", "predictions-masked.csv", "features.safetensors"] {
            #expect(
                try Data(contentsOf: URL(fileURLWithPath: "\(other)/\(name)"))
                    == Data(contentsOf: URL(fileURLWithPath: "\(expected)/\(name)")))
        }
        var reports = try [expected, other].map { try EvaluationReport(contentsOf: $0 + "/evaluation.json") }
        for report in reports.indices {
            for result in reports[report].results.indices { reports[report].results[result].msPerImage = 0 }
        }
        #expect(reports[0] == reports[1])
    }

    private func expectSameLogs(_ expected: String, _ other: String) throws {
        let lines = try [expected, other].map { run in
            try logLines(run).map { $0.filter { !["seconds", "images_per_s"].contains($0.key) } as NSDictionary }
        }
        #expect(lines[0] == lines[1])
        let validations = lines[0].filter { $0["event"] as? String == "validation" }
        #expect(validations.map { $0["path"] as? String } == ["all", "masked", "all", "masked", "all", "masked"])
        #expect(lines[0][0]["task"] as? String == "finetune")
    }

    @Test func accumulatedGradientsGoOnExactlyToo() throws {
        let settings = set.fineTuning([
            "accum-iter": .integer(2), "batch": .integer(6), "epochs": .integer(2), "drop-path": .number(0.4),
        ])
        let whole = folder.file("whole"), stopped = folder.file("stopped")
        try start(Task.self, whole, settings)
        try start(Task.self, stopped, settings, until: 1)
        for step in [2, 3] { try goOn(Task.self, stopped, until: step) }
        try goOn(Task.self, stopped)
        try expectSame(whole, stopped)
    }

    @Test func mixedImagesAndAveragesOfWeightsGoOnExactlyToo() throws {
        let settings = set.fineTuning([
            "mixup": .number(0.8), "cutmix": .number(1), "ema": .number(0.9), "clip-grad": .number(0.5),
            "pooling": .text("class-token"),
            "epochs": .integer(2), "accum-iter": .integer(2),
        ])
        let whole = folder.file("whole"), stopped = folder.file("stopped")
        try start(Task.self, whole, settings)
        try start(Task.self, stopped, settings, until: 1)
        for step in [2, 3] { try goOn(Task.self, stopped, until: step) }
        try goOn(Task.self, stopped)
        try expectSame(whole, stopped)
        let tensors = try RunResult(whole).tensors
        #expect(tensors["ema.head.weight"] != nil && tensors["ema.head.weight"] != tensors["head.weight"])
        // The averages are what is evaluated.
        let images = try ImageFolder(root: set.path + "/val").items.map(\.path)
        let line = try String(contentsOfFile: whole + "/predictions-all.csv", encoding: .utf8).split(separator: "\n")[1]
        let written = line.split(separator: ",").suffix(2).compactMap { Double($0) }
        let asked = try Classifier(checkpoint: whole).probabilities(of: ImageDecoder().decode(path: images[0]))
        for (a, b) in zip(written, asked) { #expect(abs(a - b) < 1e-5, "\(written), \(asked)") }
    }

    @Test func aRunWithAllPatchesHasNoMaps() throws {
        let run = folder.file("run")
        try start(Task.self, run, set.fineTuning(["method": .text("mae"), "epochs": .integer(1)]))
        #expect(try RunResult(run).tensors["attention_maps"] == nil)
        #expect(try logLines(run).allSatisfy { $0["masking"] == nil })
    }

    @Test func trainingEndsWhenValidationGetsNoBetter() throws {
        let run = folder.file("run"), stopped = folder.file("stopped")
        let settings = set.fineTuning([
            "lr": .integer(0), "min-lr": .integer(0), "epochs": .integer(9), "patience": .integer(2),
        ])
        #expect(try start(Task.self, run, settings) == .finished)
        #expect(try RunResult(run).metadata["epoch"] == "3")
        #expect(try EvaluationReport(contentsOf: run + "/evaluation.json").results.map(\.epoch) == [2, 2, 0, 0])
        #expect(try goOn(Task.self, run) == .finished)
        #expect(try RunResult(run).metadata["epoch"] == "3")
        try start(Task.self, stopped, settings, until: 7)
        try goOn(Task.self, stopped)
        try expectSame(run, stopped)
    }

    /// What chooses the best epoch is not what it is measured on.
    @Test func aThirdPartIsLookedAtOnlyAtTheEnd() throws {
        let data = folder.file("data"), run = folder.file("run"), plain = folder.file("plain")
        try FileManager.default.copyItem(atPath: set.path, toPath: data)
        try FileManager.default.copyItem(atPath: data + "/train", toPath: data + "/test")
        let settings = set.fineTuning(["epochs": .integer(1)])
        try start(Task.self, plain, settings)
        try start(Task.self, run, settings.merging(["data": .text(data)]) { $1 })
        #expect(try RunResult(run).tensors == RunResult(plain).tensors)
        let reports = try [plain, run].map { try EvaluationReport(contentsOf: $0 + "/evaluation.json") }
        #expect(reports.map(\.part) == ["val", "test"] && reports.map(\.images) == [2, 32])
        let validations = try [plain, run].map {
            try logLines($0).filter { $0["event"] as? String == "validation" } as NSArray
        }
        #expect(validations[0] == validations[1])
        let lines = try String(contentsOfFile: run + "/predictions-all.csv", encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 33 && lines.dropFirst().allSatisfy { $0.hasPrefix("test/") })
    }

    @Test func theEvaluationAtTheEndCanBeStoppedToo() throws {
        let run = folder.file("run")
        #expect(try start(Task.self, run, set.fineTuning(["epochs": .integer(1)]), until: 3) == .stopped)
        // One batch of validation on either path, then the first one at the end.
        var asked = 0
        let trainer = try Trainer<Task>(RunPlan(resuming: run, given: [:]), output: .silent) { step in
            if step == 4 { asked += 1 }
            return asked > 2
        }
        #expect(try trainer.run() == .stopped)
        #expect(
            try RunResult(run).metadata["epoch"] == "1"
                && !FileManager.default.fileExists(atPath: run + "/evaluation.json"))
        #expect(try goOn(Task.self, run) == .finished)
        #expect(FileManager.default.fileExists(atPath: run + "/evaluation.json"))
    }

    // MARK: - Initial weights

    @Test func weightsOfPreTrainingAreTaken() throws {
        let pre = folder.file("pre"), run = folder.file("run")
        try train(pre, set.settings, until: 2)
        try start(Task.self, run, set.fineTuning(["init": .text(pre)]), until: 0)
        let (before, after) = (try RunResult(pre).tensors, try RunResult(run).tensors)
        for name in ["cls_token", "pos_embed", "patch_embed.proj.weight", "blocks.3.mlp.fc2.bias"] {
            #expect(after[name] == before[name])
        }
        #expect(after["head.weight"] != before["head.weight"])
        #expect(!after.keys.contains { $0.hasPrefix("decoder") })
        // The file may go when the run has begun.
        try FileManager.default.removeItem(atPath: pre)
        #expect(try goOn(Task.self, run, until: 1) == .stopped)
    }

    @Test func aCheckpointOfAnotherSizeIsNamedWithItsTensors() throws {
        let pre = folder.file("pre"), run = folder.file("run")
        try train(pre, set.settings(["preset": .text("demo")]), until: 0)
        let latest = try #require(try RunFolder(opening: pre).latestCheckpoint()).path
        let file = try SafetensorsFile(contentsOf: latest)
        let tensors = try file.names.filter { $0 != "blocks.1.norm1.bias" }.map { name in
            name == "cls_token"
                ? SafetensorsWriter.Tensor(name, [1, 1, 3], floats: [1, 2, 3])
                : SafetensorsWriter.Tensor(name, try file.shape(name), floats: try file.floats(name))
        }
        try SafetensorsWriter.write(to: latest, metadata: file.metadata, tensors: tensors)
        let error = #expect(throws: RunError.self) { try start(Task.self, run, set.fineTuning(["init": .text(pre)])) }
        #expect(
            error?.description == "\(latest): the checkpoint does not fit the model: 'blocks.1.norm1.bias' is missing; "
                + "'cls_token' is [1, 1, 3] in the file and [1, 1, 96] in the model")
        #expect(!FileManager.default.fileExists(atPath: run))
    }

    @Test func positionsAreResizedForLargerImages() throws {
        let pre = folder.file("pre"), run = folder.file("run")
        try train(pre, set.settings, until: 0)
        try start(Task.self, run, set.fineTuning(["init": .text(pre), "image-size": .integer(64)]), until: 0)
        let before = try SafetensorsFile(contentsOf: #require(try RunFolder(opening: pre).latestCheckpoint()).path)
        let after = try SafetensorsFile(contentsOf: #require(try RunFolder(opening: run).latestCheckpoint()).path)
        #expect(
            try after.floats("pos_embed")
                == positionTable(resizing: before.floats("pos_embed"), fromGrid: 4, toGrid: 8, dim: 96))
        #expect(try after.floats("cls_token") == before.floats("cls_token"))
    }

    @Test func aFileOfPyTorchIsReadAndNamedWithWhatDoesNotFit() {
        let path = Recordings.path("checkpoint").replacingOccurrences(of: ".safetensors", with: ".pth")
        #expect(
            message(["init": .text(path)]).hasPrefix(
                "\(path): the checkpoint does not fit the model: 'blocks.0.attn.proj.bias' is "))
    }

    // MARK: - Bad input

    private func message(_ changes: [String: SettingValue]) -> String {
        let error = #expect(throws: (any Error).self) {
            try start(Task.self, folder.file("run"), set.fineTuning(changes))
        }
        #expect(!FileManager.default.fileExists(atPath: folder.file("run")))
        return error.map { "\($0)" } ?? ""
    }

    @Test func settingsOutOfRange() {
        #expect(message(["layer-decay": .integer(2)]) == "layer-decay is 2; it must be from 0 to 1")
        #expect(message(["drop-path": .integer(1)]) == "drop-path is 1; it must be from 0 to 0.999")
        #expect(message(["pooling": .text("max")]) == "pooling is max; it must be one of mean, class-token")
        #expect(message(["method": .text("scratch")]) == "method is scratch; it must be one of msmae, mae")
        #expect(message(["patience": .integer(0)]) == "patience is 0; it must be from 1 to 1000000")
        #expect(
            message(["classification-loss-weight": .integer(1)])
                == "there is no setting 'classification-loss-weight'; --help lists those that are known")
        #expect(message(["init": .text(folder.file("absent"))]).hasPrefix("\(folder.file("absent")): cannot open"))
    }

    @Test func validationImagesThatDoNotFit() throws {
        let data = folder.file("data"), val = data + "/val"
        try FileManager.default.copyItem(atPath: set.path, toPath: data)
        let classes = try ImageFolder(root: data + "/train").classes
        try FileManager.default.moveItem(atPath: "\(val)/\(classes[1])", toPath: val + "/unheard-of")
        #expect(
            message(["data": .text(data)])
                == "\(val)/unheard-of: the model was not trained on the class 'unheard-of'; it knows "
                + classes.joined(separator: ", "))
        try FileManager.default.removeItem(atPath: val + "/unheard-of")
        let run = folder.file("absent-class")
        try start(Task.self, run, set.fineTuning(["data": .text(data), "epochs": .integer(1)]))
        let result = try EvaluationReport(contentsOf: run + "/evaluation.json").results[0]
        #expect(result.auc == [nil, nil] && result.meanAUC == nil && result.recall[1] == nil)

        try FileManager.default.removeItem(atPath: val)
        #expect(message(["data": .text(data)]).hasPrefix("\(val): there is no such folder"))
        try FileManager.default.createDirectory(atPath: val, withIntermediateDirectories: true)
        #expect(message(["data": .text(data)]).hasPrefix("\(val): the folder holds no class folders"))
    }
}
