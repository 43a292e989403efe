import Apus
import ApusTestSupport
import Foundation
import MSMAE
import Testing

/// Weights as the public code and others publish them: everything can begin with them.
@Suite(.serialized) struct PublicWeightsTests {
    private let folder: ScratchFolder
    private let set: SmallSet

    init() throws {
        folder = try ScratchFolder()
        set = try SmallSet.shared.get()
    }

    /// Writes weights of a run's checkpoint as a file of PyTorch.
    private func torchFile(
        _ checkpoint: String, to name: String, key: String? = "model", prefix: String = "",
        where isTaken: (String) -> Bool = { _ in true }
    ) throws -> String {
        let file = try SafetensorsFile(contentsOf: checkpoint)
        var storages: [(String, [UInt8])] = [], members: [(String, [UInt8])] = []
        for name in file.names where !name.hasPrefix("optimizer.") && name != "attention_maps" && isTaken(name) {
            let shape = try file.shape(name), floats = try file.floats(name), storage = String(storages.count)
            let strides = shape.indices.map { axis in shape[(axis + 1)...].reduce(1, *) }
            storages.append((storage, littleEndian(floats)))
            members.append(
                (prefix + name, Pickled.tensor(storage, count: floats.count, shape: shape, strides: strides)))
        }
        let weights = Pickled.dictionary(members)
        let value = key.map { Pickled.dictionary([($0, weights), ("epoch", Pickled.integer(7))]) } ?? weights
        let path = folder.file(name)
        try Data(ZipBytes(checkpoint: value, storages: storages).bytes).write(to: URL(fileURLWithPath: path))
        return path
    }

    private func latest(_ run: String) throws -> String {
        try #require(try RunFolder(opening: run).latestCheckpoint()).path
    }

    private func isEncoder(_ name: String) -> Bool {
        ["cls_token", "pos_embed", "patch_embed.", "blocks.", "norm."].contains { name.hasPrefix($0) }
    }

    /// What a run says at its beginning, and the weights that it has then.
    private func begin<Task: ConfiguredTask>(_: Task.Type, _ name: String, _ settings: [String: SettingValue]) throws
        -> (lines: String, tensors: [String: [UInt8]])
    {
        let lines = Lines()
        _ = try Trainer<Task>(
            RunPlan(startingIn: folder.file(name), given: settings),
            output: TrainingOutput(progress: ProgressWriter(isTerminal: false) { _ in }) { lines.add($0) }
        ) { _ in true }.run()
        return (lines.text, try RunResult(folder.file(name)).tensors)
    }

    // MARK: - Training

    @Test func preTrainingBeginsWithPublishedWeights() throws {
        let pre = folder.file("pre")
        try train(pre, set.settings, until: 2)
        let checkpoint = try latest(pre), before = try RunResult(pre).tensors
        let encoder = try torchFile(checkpoint, to: "encoder.pth", where: isEncoder)
        let random = try begin(PreTrainingTask.self, "random", set.settings).tensors

        let (lines, after) = try begin(PreTrainingTask.self, "a", set.settings(["init": .text(encoder)]))
        for name in before.keys where isEncoder(name) { #expect(after[name] == before[name], "\(name)") }
        for name in ["mask_token", "decoder_pred.weight", "head.weight"] { #expect(after[name] == random[name]) }
        #expect(lines.contains("54 of 88 weights from \(encoder)"), "\(lines)")
        #expect(lines.contains("  took 54 tensors under 'model'\n"))
        #expect(lines.contains("decoder_blocks.* (24)"))

        // Of a whole model, the decoder is taken, and the head for as many classes; also from another run's folder.
        let whole = try torchFile(checkpoint, to: "whole.pth", key: "state_dict", prefix: "module.")
        for source in [whole, pre] {
            let after = try begin(
                PreTrainingTask.self, "b\(source.count)", set.settings(["init": .text(source)])
            ).tensors
            for name in before.keys where !name.hasPrefix("optimizer.") && name != "attention_maps" {
                #expect(after[name] == before[name], "\(name)")
            }
        }
        let three = folder.file("three")
        try PhantomDataSet.write(to: three, classes: 3, train: 24, validation: 3, size: 40, seed: 5)
        let other = try begin(
            PreTrainingTask.self, "c", set.settings(["init": .text(whole), "data": .text(three)]))
        #expect(other.tensors["decoder_pred.weight"] == before["decoder_pred.weight"])
        #expect(other.lines.contains("took 88 tensors under 'state_dict', prefix 'module.'"), "\(other.lines)")
        #expect(
            other.lines.contains(
                "of another shape, and new: 'head.bias' is [2] in the file and [3] in the model, "
                    + "'head.weight' is [2, 96] in the file and [3, 96] in the model"))
    }

    @Test func entriesAndPrefixesAreSettings() throws {
        let pre = folder.file("pre")
        try train(pre, set.settings, until: 1)
        let file = try torchFile(try latest(pre), to: "weights.pth", prefix: "student.")
        func error(_ changes: [String: SettingValue]) -> String {
            let error = #expect(throws: (any Error).self) {
                try begin(
                    ClassifierTask<FineTuningSettings>.self, "run",
                    set.fineTuning(changes.merging(["init": .text(file)]) { $1 }))
            }
            return error.map { "\($0)" } ?? ""
        }
        #expect(error(["weights-key": .text("teacher")]).contains("no tensors under 'teacher'"))
        #expect(error(["weights-prefix": .text("teacher")]).contains("no name begins with 'teacher.'"))
        // Names as they are have none of the model's.
        let message = error(["weights-prefix": .text("")])
        #expect(message.contains("'cls_token' is missing") || message.contains("'blocks.0.attn.proj.bias' is missing"))
        #expect(message.contains("; the file has 88 tensors: student."), "\(message)")
        let taken = try begin(
            ClassifierTask<FineTuningSettings>.self, "fine",
            set.fineTuning(["init": .text(file), "weights-prefix": .text("student")]))
        #expect(try taken.tensors["cls_token"] == RunResult(pre).tensors["cls_token"])
        #expect(taken.lines.contains("took 88 tensors under 'model', prefix 'student.'"))
    }

    // MARK: - Use

    @Test func fineTunedWeightsAreEvaluatedAsTheRunsAre() throws {
        let run = folder.file("run")
        try start(ClassifierTask<FineTuningSettings>.self, run, set.fineTuning(["epochs": .integer(1)]))
        let file = try torchFile(try latest(run), to: "finetuned.pth", prefix: "module.")
        let own = try Classifier(checkpoint: run, threads: 1), foreign = try Classifier(checkpoint: file, threads: 1)
        #expect(foreign.classes == ["0", "1"])
        #expect(
            foreign.notes == [
                "\(file): took 56 tensors under 'model', prefix 'module.'",
                "\(file): preset demo, by the shapes of its weights",
                "\(file): 2 classes without names, which --classes gives",
            ])
        let image = try ImageDecoder().decode(path: ImageFolder(root: set.path + "/val").items[0].path)
        #expect(try foreign.probabilities(of: image) == own.probabilities(of: image))
        let expected = try own.evaluate(set.path, part: "train").report
        var report = try foreign.evaluate(set.path, part: "train", batch: 8).report
        #expect(report.classes == own.classes && report.results.map(\.epoch) == [7, 7])
        #expect(report.results.map(\.loss) == expected.results.map(\.loss))
        #expect(report.results.map(\.confusion) == expected.results.map(\.confusion))

        // Names that are given are those of the head's rows.
        let named = try Classifier(
            checkpoint: file, reading: WeightsReading(preset: "demo", classes: own.classes.reversed()), threads: 1)
        #expect(named.classes == own.classes.reversed() && named.notes.count == 1)
        report = try named.evaluate(set.path, part: "train", batch: 8).report
        #expect(report.results[0].accuracy != expected.results[0].accuracy || expected.results[0].accuracy == 0.5)
        #expect(throws: RunError.self) {
            try Classifier(checkpoint: file, reading: WeightsReading(classes: ["a", "b", "c"]))
        }
        let three = folder.file("three")
        try PhantomDataSet.write(to: three, classes: 3, train: 3, validation: 3, size: 40, seed: 5)
        #expect(
            throws: EvaluationError.otherClasses(path: three + "/val", classes: 3, checkpoint: file, known: 2)
        ) { try foreign.evaluate(three) }
    }

    @Test func preTrainedWeightsAreDrawnAndNotEvaluated() throws {
        let pre = folder.file("pre")
        try train(pre, set.settings, until: 2)
        let checkpoint = try latest(pre)
        let whole = try torchFile(checkpoint, to: "whole.pth", key: nil, prefix: "_orig_mod.module.")
        let encoder = try torchFile(checkpoint, to: "encoder.pth", where: isEncoder)
        let own = try TrainedModel(checkpoint: pre)
        let image = try ImageDecoder().decode(path: ImageFolder(root: set.path + "/val").items[0].path)
        for file in [whole, encoder] {
            let model = try TrainedModel(checkpoint: file)
            #expect(try model.attentionMap(of: image) == own.attentionMap(of: image))
            #expect(model.configuration.image == 32 && model.notes.count == 2)
        }
        #expect(
            try TrainedModel(checkpoint: whole).reconstructionPicture(of: image, masking: .random, seed: 1)
                == own.reconstructionPicture(of: image, masking: .random, seed: 1))
        let error = #expect(throws: RunError.self) {
            try TrainedModel(checkpoint: encoder).reconstructionPicture(of: image, masking: .random, seed: 1)
        }
        #expect(
            error?.description.hasSuffix("it holds an encoder without a decoder, and a reconstruction needs both")
                == true)
        for file in [whole, encoder] {
            #expect(throws: EvaluationError.noClassifier(path: file, kind: .pretrain)) {
                try Classifier(checkpoint: file)
            }
        }
    }

    @Test func whatIsNoModelOfAPresetSaysSo() throws {
        func message(_ tensors: [SafetensorsWriter.Tensor], preset: String? = nil) throws -> String {
            let path = folder.file("\(UUID().uuidString).safetensors")
            try SafetensorsWriter.write(to: path, tensors: tensors)
            let error = #expect(throws: RunError.self) {
                let image = try RGBImage(width: 8, height: 8, pixels: [UInt8](repeating: 0, count: 192))
                _ = try TrainedModel(checkpoint: path, reading: WeightsReading(preset: preset)).attentionMap(of: image)
            }
            return error.map { "\($0)" } ?? ""
        }
        #expect(
            try message([.init("conv1.weight", floats: [1])]).hasSuffix(
                "no weights of a vision transformer are in it; the file has 1 tensor: conv1.weight"))
        let tensors: [SafetensorsWriter.Tensor] = [
            .init("cls_token", [1, 1, 2], floats: [0, 0]), .init("blocks.0.norm1.weight", floats: [1, 1]),
            .init("patch_embed.proj.weight", [2, 3, 1, 1], floats: [Float](repeating: 0, count: 6)),
        ]
        #expect(
            try message(tensors).hasSuffix(
                "no preset has the sizes of its encoder: 1 blocks, and a patch embedding of [2, 3, 1, 1]"))
        #expect(try message(tensors, preset: "demo").contains("'cls_token' is [1, 1, 2] in the file and [1, 1, 96]"))
        let other = folder.file("hub")
        try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: true)
        try SafetensorsWriter.write(to: other + "/model.safetensors", tensors: tensors)
        #expect(throws: RunError.noCheckpoint(path: other, others: ["model.safetensors"])) {
            try TrainedModel(checkpoint: other)
        }
    }
}

/// Lines that a run says.
private final class Lines: @unchecked Sendable {  // runs say things on one thread at a time
    private(set) var text = ""

    func add(_ line: String) { text += line + "\n" }
}
