import Apus
import Foundation
import MSMAE
import Testing

/// Input that makes no run: the message says what is wrong, and nothing is written.
@Suite struct BadRunTests {
    private let folder: ScratchFolder
    private let set: SmallSet

    init() throws {
        folder = try ScratchFolder()
        set = try SmallSet.shared.get()
    }

    /// The message of a run that cannot start.
    private func message(_ changes: [String: SettingValue], _ location: Testing.SourceLocation = #_sourceLocation)
        -> String
    {
        let run = folder.file("run")
        let error = #expect(throws: (any Error).self, sourceLocation: location) {
            try train(run, set.settings(changes), until: 0)
        }
        #expect(!FileManager.default.fileExists(atPath: run), sourceLocation: location)
        return error.map { "\($0)" } ?? ""
    }

    @Test func settingsOutOfRange() {
        #expect(message(["batch": .integer(0)]) == "batch is 0; it must be from 1 to 65536")
        #expect(message(["threads": .integer(0)]) == "threads is 0; it must be from 1 to 1024")
        for value: SettingValue in [
            .text("lots"), .text("1.5TB"), .text("1 5MB"), .text("-1GB"), .integer(0), .flag(true),
        ] {
            #expect(
                message(["memory-limit": value])
                    == "memory-limit is \(value); it must be a number of bytes above 0, such as 1.5GB or 800MB")
        }
        #expect(message(["epochs": .integer(-1)]) == "epochs is -1; it must be from 1 to 1000000")
        #expect(message(["mask-ratio": .number(1.5)]) == "mask-ratio is 1.5; it must be from 0 to 1")
        #expect(message(["mask-ratio": .number(.nan)]) == "mask-ratio is nan; it must be from 0 to 1")
        #expect(message(["lr": .number(-1)]) == "lr is -1.0; it must be a number from 0 on")
        #expect(message(["blr": .number(.infinity)]) == "blr is inf; it must be a number from 0 on")
        #expect(
            message(["preset": .text("vast")])
                == "preset is vast; it must be one of demo, tiny, small, base, large, huge")
        #expect(message(["batch": .text("many")]) == "batch is 'many'; it must be a whole number")
        #expect(message(["colour": .text("red")]) == "there is no setting 'colour'; --help lists those that are known")
        #expect(message(["data": .text("")]) == "data is missing")
    }

    @Test func sizesThatMakeNoModel() {
        #expect(message(["image-size": .integer(30)]) == "an image of 30 pixels is not a whole number of patches of 8")
        #expect(message(["random-mask-ratio": .integer(1)]) == "random masking leaves none of 16 patches to see")
        #expect(message(["throw-ratio": .number(0.55)]) == "attention masking leaves none of 16 patches to see")
        #expect(message(["batch": .integer(33)]).contains("a batch of 33 cannot be filled from 32 images"))
        #expect(message(["accum-iter": .integer(5)]) == "accum-iter is 5, but an epoch has only 4 full batches")
    }

    @Test func foldersThatHoldNoSet() throws {
        let data = folder.file("data")
        #expect(message(["data": .text(data)]).hasPrefix("\(data)/train: there is no such folder"))
        try FileManager.default.createDirectory(atPath: data + "/train", withIntermediateDirectories: true)
        #expect(message(["data": .text(data)]).hasPrefix("\(data)/train: the folder holds no class folders"))
        try FileManager.default.createDirectory(atPath: data + "/train/a", withIntermediateDirectories: true)
        #expect(message(["data": .text(data)]).hasPrefix("\(data)/train/a: the class 'a' has no readable image"))
    }

    @Test func anImageThatCannotBeReadIsNamedOrSkipped() throws {
        let data = folder.file("data")
        try FileManager.default.copyItem(atPath: set.path, toPath: data)
        let images = try ImageFolder(root: data + "/train").items
        try Data().write(to: URL(fileURLWithPath: images[4].path))
        let run = folder.file("run")
        let error = #expect(throws: DataError.self) { try train(run, set.settings(["data": .text(data)]), until: 0) }
        #expect(error?.path == images[4].path)
        #expect(
            try train(
                folder.file("other"), set.settings(["data": .text(data), "skip-unreadable": .flag(true)]), until: 0)
                == .stopped)
    }

    @Test func runsThatCannotStartOrGoOn() throws {
        let run = folder.file("run")
        try train(run, set.settings, until: 0)
        #expect(throws: RunError.runExists(path: run)) { try train(run, set.settings) }
        #expect(throws: FileError.self) { try resume(folder.file("absent")) }

        let other = #expect(throws: RunError.self) {
            try resume(run, ["preset": .text("tiny"), "mask-ratio": .number(0.5)])
        }
        #expect(
            try #require(other?.description).hasPrefix(
                "preset is tiny here and demo in the run that is resumed; mask-ratio is 0.5 here and 0.45 in the run that "
                    + "is resumed; --preset cannot change on the way: leave it out here, or begin a new run"))
        let foreign = #expect(throws: RunError.self) { try goOn(ClassifierTask<FineTuningSettings>.self, run) }
        #expect(
            try #require(foreign?.description).hasSuffix(
                ": a run of pre-training, and this is fine-tuning: go on with it by msmae pretrain --resume"))
        let moved = folder.file("moved")
        #expect(throws: RunError.dataMissing(run: run, data: moved)) { try resume(run, ["data": .text(moved)]) }
        let empty = folder.file("empty")
        try FileManager.default.createDirectory(atPath: empty, withIntermediateDirectories: true)
        #expect(throws: RunError.noRun(path: empty)) { try resume(empty) }

        let data = folder.file("data")
        try FileManager.default.copyItem(atPath: set.path, toPath: data)
        try FileManager.default.removeItem(atPath: try ImageFolder(root: data + "/train").items[0].path)
        let images = #expect(throws: RunError.self) { try resume(run, ["data": .text(data)]) }
        #expect(
            images?.description.contains("the run was started on 32 images (") ?? false, "\(images?.description ?? "")")
        try FileManager.default.createDirectory(atPath: data + "/train/new", withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            atPath: try ImageFolder(root: set.path + "/train").items[0].path, toPath: data + "/train/new/0.png")
        let classes = #expect(throws: RunError.self) { try resume(run, ["data": .text(data)]) }
        #expect(
            classes?.description.contains("the run was started on the classes ") ?? false,
            "\(classes?.description ?? "")")
    }

    /// A part that is missing: the message says what makes it.
    @Test func imagesThatAreNotDivided() throws {
        let data = folder.file("data"), run = folder.file("run")
        try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: set.path + "/train", toPath: data + "/train")
        func message(_ data: String) -> String {
            let error = #expect(throws: DataError.self) {
                try start(ClassifierTask<FineTuningSettings>.self, run, set.fineTuning(["data": .text(data)]))
            }
            return error?.description ?? ""
        }
        #expect(message(data).contains("/val: there is no such folder. Divide the images, such as by: msmae split"))
        #expect(message(data + "/train").contains("not divided yet; do it by: msmae split \(data)/train NEW"))
        #expect(message(data + "x").hasSuffix("Check the spelling of \(data)x."))
        #expect(!FileManager.default.fileExists(atPath: run))
    }

    /// Images that only the end of an epoch, or of the run, would open.
    @Test(arguments: ["val", "test"]) func brokenImagesAreFoundBeforeTraining(part: String) throws {
        let data = folder.file("data"), run = folder.file("run")
        try FileManager.default.copyItem(atPath: set.path, toPath: data)
        try FileManager.default.copyItem(atPath: set.path + "/val", toPath: data + "/test")
        let image = try #require(try ImageFolder(root: "\(data)/\(part)").items.last).path
        try Data(contentsOf: URL(fileURLWithPath: image)).prefix(200).write(to: URL(fileURLWithPath: image))
        let given = set.fineTuning(["data": .text(data)])
        let error = #expect(throws: DataError.self) {
            try start(ClassifierTask<FineTuningSettings>.self, run, given)
        }
        #expect(error?.path == image && !FileManager.default.fileExists(atPath: run))
    }

    @Test func runsAmongTheImagesAreRefused() throws {
        for path in ["\(set.path)/train/run", "\(set.path)/val", "\(set.path)/test/new/run"] {
            let error = #expect(throws: DataError.self) { try train(path, set.settings, until: 0) }
            #expect(error?.code == .invalidArgument && error?.path == path)
        }
        // What looks like a part of a set is one, whoever writes there.
        for path in ["train/pictures", "val/../train/a/pictures"] {
            #expect(throws: DataError.self) { try DataPart.checkOutput("\(set.path)/\(path)") }
        }
        try DataPart.checkOutput(set.path + "/run", data: set.path)
        try DataPart.checkOutput(folder.file("train/run"))
        let link = folder.file("link")
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: set.path + "/train")
        #expect(throws: DataError.self) { try DataPart.checkOutput(link + "/run", data: set.path) }
    }

    @Test func weightsThatAreNotFiniteAreNamed() throws {
        let run = folder.file("run"), other = folder.file("other")
        try train(run, set.settings, until: 0)
        let latest = try #require(try RunFolder(opening: run).latestCheckpoint()).path
        let file = try SafetensorsFile(contentsOf: latest), broken = folder.file("broken.safetensors")
        let name = "blocks.1.mlp.fc1.weight"
        let tensors = try file.names.map { other in
            var floats = try file.floats(other)
            if other == name { floats[5] = .nan }
            return SafetensorsWriter.Tensor(other, try file.shape(other), floats: floats)
        }
        try SafetensorsWriter.write(to: broken, metadata: file.metadata, tensors: tensors)
        #expect(throws: RunError.initialWeightNotFinite(name: name, path: broken)) {
            try start(ClassifierTask<FineTuningSettings>.self, other, set.fineTuning(["init": .text(broken)]))
        }
        #expect(!FileManager.default.fileExists(atPath: other))
        try FileManager.default.removeItem(atPath: latest)
        try FileManager.default.copyItem(atPath: broken, toPath: latest)
        #expect(throws: RunError.initialWeightNotFinite(name: name, path: latest)) { try resume(run) }
    }

    @Test func checkpointsOfTheRecordedCodeThatDoNotFit() throws {
        let path = Recordings.path("checkpoint").replacingOccurrences(of: ".safetensors", with: ".pth"),
            run = folder.file("run")
        #expect(throws: SettingError.missing(name: "--out")) { try resume(path, set.settings) }
        let error = #expect(throws: RunError.self) { try resume(path, out: run, set.settings) }
        #expect(
            try #require(error?.description).hasPrefix(
                "\(path): the checkpoint does not fit the model: 'blocks.0.attn.proj.bias' is "))
        #expect(!FileManager.default.fileExists(atPath: run))
        let weights = Recordings.path("metrics")
        #expect(throws: RunError.runExpected(path: weights, run: nil)) { try resume(weights, out: run, set.settings) }
    }

    @Test func aRunWithoutACheckpointStartsFromTheBeginning() throws {
        let run = folder.file("run")
        try train(run, set.settings, until: 0)
        try FileManager.default.removeItem(atPath: run + "/checkpoints")
        #expect(try resume(run, until: 0) == .stopped)
        #expect(try RunResult(run).metadata["step"] == "0")
        #expect(throws: RunError.noCheckpoint(path: set.path)) { try TrainedModel(checkpoint: set.path) }

        try FileManager.default.removeItem(atPath: run + "/checkpoints")
        try Data("{".utf8).write(to: URL(fileURLWithPath: run + "/config.json"))
        #expect(throws: RunError.brokenSettings(path: run + "/config.json", reason: "it is no JSON object of settings"))
        { try resume(run) }
    }
}

@Suite struct PreTrainingSettingsTests {
    @Test func theDefaultsAreTheReleasedOnes() {
        let settings = PreTrainingSettings()
        #expect(
            settings.batch == 64 && settings.epochs == 300 && settings.attentionStart == 41
                && settings.attentionInterval == 40)
        #expect(settings.baseLearningRate == 1e-3 && settings.warmupEpochs == 40 && settings.weightDecay == 0.05)
        // Image size, lr, threads and the place of weights in their file follow from others; there are no window,
        // shorter side, limit, clipping, average and shares.
        #expect(settings.values.count == PreTrainingSettings.all.count - 11)
    }

    @Test func whatNeverComesIsSaidBefore() {
        var settings = PreTrainingSettings()
        #expect(settings.notes.isEmpty)
        settings.epochs = 3
        #expect(settings.notes.count == 2)
        #expect(settings.notes[0].hasPrefix("warmup-epochs is 40 and epochs 3: the learning rate only rises"))
        #expect(settings.notes[1].hasPrefix("attention-start is 41 and epochs 3: attention-driven masking, which"))
        settings.method = .mae
        settings.warmupEpochs = 0
        #expect(settings.notes.isEmpty)
    }

    @Test func settingsSurviveJSON() throws {
        var settings = PreTrainingSettings()
        try settings.set("lr", .number(0.1))
        try settings.set("mask_ratio", .number(0.3))
        try settings.set("seed", .integer(.max))
        try settings.set("norm-pix-loss", .flag(true))
        try settings.set("data", .text("a \"folder\"/ü"))
        #expect(try PreTrainingSettings(json: settings.json) == settings)
        #expect(settings.maskRatio == 0.3)
        #expect(throws: SettingError.unknown(name: "x")) { try PreTrainingSettings(json: "{\"x\":1}") }
    }
}
