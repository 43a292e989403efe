import ApusTestSupport
import ApusTraining
import Foundation
import Testing

/// Which of a file's tensors are the weights, and what they are called.
@Suite struct WeightsSelectionTests {
    private let folder = TemporaryFolder()

    private static let landmarks = ["embed", "blocks.0.w"]

    /// A dictionary of weights, each of one number.
    private static func weights(_ names: [String], _ number: Int = 0) -> [UInt8] {
        Pickled.dictionary(names.map { ($0, Pickled.tensor(count: 3, offset: number, shape: [1], strides: [1])) })
    }

    private func open(
        _ value: [UInt8], key: String? = nil, prefix: String? = nil, landmarks: [String] = Self.landmarks
    ) throws -> WeightsFile {
        let zip = ZipBytes(checkpoint: value, storages: [("0", littleEndian([0, 1, 2]))])
        return try WeightsFile(
            contentsOf: folder.write(zip.bytes, to: "\(UUID().uuidString).pth"),
            selection: WeightsSelection(key: key, prefix: prefix, landmarks: landmarks))
    }

    private func message(_ value: [UInt8], key: String? = nil, prefix: String? = nil) -> String {
        (#expect(throws: TorchCheckpointError.self) { try open(value, key: key, prefix: prefix) })?.message ?? ""
    }

    // MARK: Entries

    @Test(arguments: [
        "model", "state_dict", "model_state_dict", "net", "params", "weights", "teacher", "ema", "checkpoint.model",
        "a.b.c",
    ]) func theOnlyStateDictIsTaken(key: String) throws {
        let value = key.split(separator: ".").reversed().reduce(Self.weights(["w"], 2)) { inner, part in
            Pickled.dictionary([("epoch", Pickled.integer(1)), (String(part), inner)])
        }
        for landmarks in [[], Self.landmarks] {
            let file = try open(value, landmarks: landmarks)
            #expect(try file.names == ["w"] && file.floats("w") == [2])
            #expect(file.choice == "took 1 tensor under '\(key)'")
        }
    }

    @Test func aModelComesBeforeAveragesAndOtherTensors() throws {
        let both = Self.landmarks
        func take(_ entries: [(String, [UInt8])]) throws -> String? {
            try open(Pickled.dictionary(entries)).torchCheckpoint?.key
        }
        #expect(try take([("model_ema", Self.weights(both, 1)), ("model", Self.weights(both))]) == "model")
        #expect(try take([("net", Self.weights(both)), ("ema", Self.weights(both, 1))]) == "net")
        #expect(try take([("model", Self.weights(both)), ("teacher", Self.weights(both, 1))]) == "model")
        #expect(try take([("loss", Self.weights(["center"])), ("backbone", Self.weights(both))]) == "backbone")
        #expect(try take([("model", Self.weights(both)), ("optimizer", Self.weights(both))]) == "model")
        // A whole file of weights with something beside them.
        let bare = both.map { ($0, Pickled.tensor(count: 3, shape: [1], strides: [1])) }
        #expect(try take(bare + [("extra", Self.weights(["x"]))]) == "")
        let file = try open(Pickled.dictionary([("model", Self.weights(both)), ("model_ema", Self.weights(both, 1))]))
        #expect(
            file.choice
                == "took 2 tensors under 'model'; there are others under 'model_ema', which --weights-key chooses")
    }

    @Test func severalStateDictsAreRefusedUntilOneIsChosen() throws {
        let value = Pickled.dictionary([
            ("student", Self.weights(Self.landmarks)), ("teacher", Self.weights(Self.landmarks + ["x"], 1)),
        ])
        #expect(
            message(value)
                == "several of its entries can be the weights: 'student' (2 tensors), 'teacher' (3 tensors); choose one by --weights-key"
        )
        #expect(try open(value, key: "teacher").floats("embed") == [1])
        #expect(
            message(value, key: "ema")
                == "no tensors under 'ema', which --weights-key asks for; there are 'student' (2 tensors), 'teacher' (3 tensors)"
        )
        let two = Pickled.dictionary([("model", Self.weights(["w"])), ("state_dict", Self.weights(["w"], 1))])
        #expect(message(two).hasPrefix("several of its entries"))
    }

    /// What is no state dict says what it is.
    @Test func modelsAsObjectsAreNamed() {
        let model = Pickled.call(Pickled.global("models_vit", "VisionTransformer"), [])
        #expect(
            message(Pickled.dictionary([("model", model)])).hasPrefix(
                "no state dict in the file: it holds a dictionary without tensors; "
                    + "'model' is models_vit.VisionTransformer, of which only its state_dict() can be read"))
    }

    // MARK: Prefixes

    @Test(arguments: [
        "module.", "_orig_mod.", "model.", "backbone.", "encoder.", "module._orig_mod.", "vit.trunk.",
    ]) func thePrefixOfAllLandmarksIsTakenOff(prefix: String) throws {
        let names = ["norm", "blocks.0.w", "embed"]
        let value = Self.weights(names.map { prefix + $0 } + ["head.weight"], 1)
        let file = try open(Pickled.dictionary([("state_dict", value)]))
        #expect(file.names == names + ["head.weight"] && file.prefix == prefix)
        #expect(try file.floats("embed") == [1])
        #expect(file.choice == "took 4 tensors under 'state_dict', prefix '\(prefix)'")

        let path = folder.file("\(UUID().uuidString).safetensors")
        try SafetensorsWriter.write(
            to: path, tensors: names.enumerated().map { .init(prefix + $1, floats: [Float($0)]) })
        let plain = try WeightsFile(contentsOf: path, selection: WeightsSelection(landmarks: Self.landmarks))
        #expect(Set(plain.names) == Set(names) && plain.choice == "took 3 tensors with prefix '\(prefix)'")
        #expect(try plain.floats("embed") == [2] && plain.shape("norm") == [1] && plain.contains("blocks.0.w"))
    }

    @Test func namesThatFitStayAsTheyAre() throws {
        let names = Self.landmarks + ["decoder.embed", "decoder.blocks.0.w"]
        #expect(try open(Self.weights(names)).names == names)
        #expect(try open(Self.weights(["module.x"])).names == ["module.x"])
        #expect(try open(Self.weights(names), prefix: "decoder").names == ["embed", "blocks.0.w"])
        #expect(try open(Self.weights(["module.x"]), prefix: "module.").names == ["x"])
    }

    @Test func severalModelsInOneAreRefusedUntilOneIsChosen() throws {
        let names = ["base.", "momentum."].flatMap { prefix in Self.landmarks.map { prefix + $0 } }
        let value = Self.weights(names + ["queue"])
        #expect(
            message(value)
                == "it holds several models, whose names begin with 'base.', 'momentum.'; choose one by --weights-prefix"
        )
        #expect(try open(value, prefix: "momentum").names == Self.landmarks + ["queue"])
        #expect(
            message(value, prefix: "x")
                == "no name begins with 'x.', which --weights-prefix asks for; the file has 5 tensors: base.embed, base.blocks.0.w, momentum.embed, momentum.blocks.0.w, …"
        )
        // An average of the same model is no rival.
        let averaged = ["model.", "model_ema."].flatMap { prefix in Self.landmarks.map { prefix + $0 } }
        #expect(try open(Self.weights(averaged)).prefix == "model.")
    }

    @Test func theOptimizersStateFollowsTheNames() throws {
        let tensor = Pickled.tensor(count: 3, offset: 2, shape: [1], strides: [1])
        let state = [0, 1].map { (Pickled.integer($0), Pickled.dictionary([("exp_avg", tensor)])) }
        let names = Self.landmarks.map { "module." + $0 }
        for given in [[], [("param_names", Pickled.list(names.map(Pickled.text)))]] {
            let group = Pickled.dictionary(
                [("params", Pickled.list([Pickled.integer(0), Pickled.integer(1)]))] + given)
            let optimizer = Pickled.dictionary([
                ("state", Pickled.dictionary(state)), ("param_groups", Pickled.list([group])),
            ])
            let file = try open(Pickled.dictionary([("model", Self.weights(names)), ("optimizer", optimizer)]))
            #expect(
                try file.optimizer()?.names == ["optimizer.exp_avg.blocks.0.w", "optimizer.exp_avg.embed"])
            #expect(try file.floats("optimizer.exp_avg.embed") == [2])
        }
    }

    @Test func safetensorsFilesHaveNoEntries() throws {
        let path = folder.file("w.safetensors")
        try SafetensorsWriter.write(to: path, tensors: ["ema.w", "w"].map { .init($0, floats: [$0 == "w" ? 1 : 2]) })
        let error = #expect(throws: SafetensorsError.self) {
            try WeightsFile(contentsOf: path, selection: WeightsSelection(key: "model"))
        }
        #expect(error?.code == .ambiguous)
        let averages = try WeightsFile(contentsOf: path, selection: WeightsSelection(prefix: "ema."))
        #expect(try averages.names == ["w"] && averages.floats("w") == [2])
    }

    @Test func aPartOfAFileSaysSo() throws {
        for (name, note) in [
            ("model-00001-of-00002.safetensors", "it is part 1 of 2 of a checkpoint"),
            ("model-00001-of-00001.safetensors", nil), ("model.safetensors", nil),
        ] {
            let path = folder.file(name)
            try SafetensorsWriter.write(to: path, tensors: [.init("w", floats: [1])])
            let file = try WeightsFile(contentsOf: path)
            #expect(
                (file.partNote?.hasPrefix(note ?? "-") ?? false) == (note != nil)
                    && file.overview.hasPrefix("the file has 1 tensor: w"))
        }
    }
}
