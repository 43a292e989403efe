/// What a checkpoint holds, found once when it is opened.
struct TorchContents {
    /// How many plain values and skipped objects are listed, and how deep they are looked for.
    private static let maximumValues = 1000, maximumDepth = 4

    private(set) var names: [String] = []
    private(set) var tensors: [String: TorchTensor] = [:]
    private(set) var values: [String: String] = [:]
    private(set) var skipped: [TorchCheckpoint.Skip] = []
    private(set) var optimizer: Result<TorchOptimizerState?, TorchCheckpointError> = .success(nil)
    let isBigEndian: Bool

    /// Where the state dict was found, and which other entries hold tensors.
    private(set) var key = "", otherKeys: [String] = []
    /// What the names of the weights began with.
    private(set) var prefix = ""

    private let path: String
    private let groupings: WeightGroupings
    private let selection: WeightsSelection

    init(
        of bytes: UnsafeRawBufferPointer, path: String, groupings: WeightGroupings, selection: WeightsSelection
    ) throws(TorchCheckpointError) {
        (self.path, self.groupings, self.selection) = (path, groupings, selection)
        let budget = TorchTensorBudget(fileSize: bytes.count)
        if LegacyCheckpoint.isLikely(bytes) {
            let file = try LegacyCheckpoint(of: bytes, path: path)
            isBigEndian = false
            try read(
                TorchObjects(
                    pickle: file.pickle, storage: { file.storages[$0] }, path: path, file: bytes, isBigEndian: false,
                    budget: budget))
            return
        }
        guard bytes.starts(with: [0x50, 0x4B]) else {
            let format = FileFormat.description(of: bytes) ?? FileFormat.unknown(bytes)
            throw TorchCheckpointError(.notACheckpoint, path: path, "not a checkpoint of PyTorch: this is \(format)")
        }
        let archive: ZipArchive
        do {
            archive = try ZipArchive(of: bytes)
        } catch {
            throw TorchCheckpointError(error, path: path)
        }
        let folder = try Self.folder(of: archive, path: path)
        func content(_ name: String) throws(TorchCheckpointError) -> UnsafeRawBufferPointer? {
            guard let entry = archive.entries[folder + name] else { return nil }
            let content = UnsafeRawBufferPointer(rebasing: bytes[entry.range])
            guard entry.checksum == 0 || CRC32.zip.checksum(content) == entry.checksum else {
                throw TorchCheckpointError(
                    .damaged, path: path, "\(name) does not have the checksum that the file gives for it")
            }
            return content
        }
        switch try content("byteorder").map({ String(decoding: $0.prefix(10), as: UTF8.self) }) {
        case nil, "little": isBigEndian = false
        case "big": isBigEndian = true
        case let other?:
            throw TorchCheckpointError(
                .malformedArchive, path: path,
                "its byte order is \"\(TorchCheckpointError.shown(other))\", neither little nor big")
        }
        guard let pickled = try content("data.pkl") else {
            throw TorchCheckpointError(.notACheckpoint, path: path, "data.pkl is missing")
        }
        let pickle: Pickle
        do {
            pickle = try PickleReader.read(pickled).pickle
        } catch {
            throw TorchCheckpointError(
                error.isTooLarge ? .tooLarge : .malformedPickle, path: path, "data.pkl: \(error.message)")
        }
        try read(
            TorchObjects(
                pickle: pickle, storage: { archive.entries["\(folder)data/\($0)"] }, path: path, file: bytes,
                isBigEndian: isBigEndian, budget: budget))
    }

    /// The folder inside the archive that holds `data.pkl`.
    private static func folder(of archive: ZipArchive, path: String) throws(TorchCheckpointError) -> String {
        let all = archive.names
        let names = all.filter {
            $0.hasSuffix("/data.pkl") && $0.utf8.count(where: { $0 == UInt8(ascii: "/") }) == 1
        }
        guard let name = names.first, names.count == 1 else {
            throw TorchCheckpointError(
                .notACheckpoint, path: path,
                names.isEmpty ? otherArchive(all) : "the zip archive has several data.pkl")
        }
        let folder = String(name.dropLast("data.pkl".count))
        guard !all.contains(folder + "constants.pkl") else {
            throw TorchCheckpointError(
                .notACheckpoint, path: path,
                "an archive of TorchScript, which holds a program; save the weights alone: torch.save(model.state_dict(), FILE)"
            )
        }
        if let compressed = archive.unread.first {
            throw TorchCheckpointError.unsupported(compressed, "compressed", path: path)
        }
        return folder
    }

    /// What a zip archive is that no checkpoint of PyTorch is, by the names of its entries.
    private static func otherArchive(_ names: [String]) -> String {
        let checkpoints = names.filter { name in
            [".pth", ".pt", ".ckpt", ".bin", ".safetensors"].contains(where: name.hasSuffix)
        }.sorted()
        let what =
            if !names.isEmpty, names.allSatisfy({ $0.hasSuffix(".npy") }) {
                "a zip archive of NumPy's arrays (.npz)"
            } else if names.contains(where: { $0.hasSuffix("model.weights.h5") }) {
                "a zip archive of a Keras model (.keras)"
            } else if names.contains("[Content_Types].xml") {
                "a zip archive of an office document"
            } else if let first = checkpoints.first {
                "a zip archive with \(TorchCheckpointError.shown(first)) in it: unpack it first"
            } else {
                "a zip archive without data.pkl"
            }
        return "\(what), not a checkpoint of PyTorch"
    }

    // MARK: The pickle

    private mutating func read(_ objects: TorchObjects) throws(TorchCheckpointError) {
        let pickle = objects.pickle
        let called = pickle.calledNames.filter { !TorchObjects.understood.contains($0) }.map(TorchCheckpointError.shown)
        defer {
            skipped += called.filter { name in !skipped.contains { $0.what == name } }.map {
                TorchCheckpoint.Skip(place: nil, what: $0)
            }
        }

        let entry = try entry(objects, called)
        guard let members = pickle.members(entry.id) else {
            throw noStateDict(
                "it holds \(objects.kind(pickle.root)); save the state dict instead: torch.save(model.state_dict(), FILE)",
                called)
        }
        var found: [String: TorchTensor] = [:], sources: [String] = []
        for member in members {
            guard let name = pickle.text(member.key) else { continue }
            switch try objects.meaning(member.value, place: name) {
            case .tensor(let tensor):
                if found.updateValue(tensor, forKey: name) == nil { sources.append(name) }
            case .unsupported(let what):
                // Beside the tensors of a bare state dict, plain values are no part of it.
                if !key.isEmpty || pickle.isObject(member.value) { skip(name, what) }
            }
        }
        guard !sources.isEmpty else { throw noStateDict(withoutTensors(objects), called) }
        let weights: WeightsNames
        do {
            weights = try WeightsNames(sources, selection)
        } catch {
            throw TorchCheckpointError(.ambiguous, path: path, error.message)
        }
        prefix = weights.prefix
        for (name, source) in weights.all {
            tensors[name] = found[source]
            names.append(name)
        }

        if let state = pickle.member(pickle.root, "optimizer"), pickle.isDictionary(state) {
            do {
                let weights = names.map { (name: $0, shape: tensors[$0]?.shape ?? []) }
                optimizer = .success(try TorchOptimizerState(state, objects, weights, prefix: prefix, groupings))
            } catch {
                optimizer = .failure(error)
            }
        }
        let entries = ([key] + otherKeys).filter { !$0.isEmpty }.map { String($0.prefix { $0 != "." }) }
        collectValues(objects, except: Set(entries + ["optimizer"]))
    }

    /// The state dict of the weights: the one that is asked for, or the only one that can be meant. Without tensors
    /// anywhere, it is the whole content.
    private mutating func entry(_ objects: TorchObjects, _ called: [String]) throws(TorchCheckpointError)
        -> StateDictEntry
    {
        let entries = StateDictEntry.all(in: objects, landmarks: selection.landmarks)
        let list = entries.prefix(10).map(\.text).joined(separator: ", ")
        let chosen: StateDictEntry
        if let asked = selection.key {
            guard let entry = entries.first(where: { $0.key == asked }) else {
                throw TorchCheckpointError(
                    .noStateDict, path: path,
                    "no tensors under '\(TorchCheckpointError.shown(asked))', which --weights-key asks for; "
                        + (entries.isEmpty ? withoutTensors(objects) : "there are \(list)"))
            }
            chosen = entry
        } else if let entry = StateDictEntry.weights(among: entries) {
            chosen = entry
        } else if entries.isEmpty {
            chosen = StateDictEntry(key: "", id: objects.pickle.root, tensors: 0, hasLandmarks: false)
        } else {
            throw TorchCheckpointError(
                .ambiguous, path: path,
                "several of its entries can be the weights: \(list); choose one by --weights-key")
        }
        key = chosen.key
        otherKeys = entries.map(\.key).filter { $0 != key }
        return chosen
    }

    /// What a content is that has no tensors where they are looked for.
    private func withoutTensors(_ objects: TorchObjects) -> String {
        let pickle = objects.pickle
        let object = (pickle.members(pickle.root) ?? []).first { pickle.isObject($0.value) }
        let key = object.flatMap { pickle.text($0.key) }.map(TorchCheckpointError.shown)
        return "it holds \(objects.kind(pickle.root)) without tensors"
            + (object.flatMap { object in
                key.map { "; '\($0)' is \(objects.kind(object.value)), of which only its state_dict() can be read" }
            } ?? "")
    }

    private func noStateDict(_ message: String, _ called: [String]) -> TorchCheckpointError {
        TorchCheckpointError(
            .noStateDict, path: path,
            "no state dict in the file: \(message)"
                + (called.isEmpty ? "" : "; named and not called: \(called.joined(separator: ", "))"))
    }

    private mutating func skip(_ place: String, _ what: String) {
        if skipped.count < Self.maximumValues {
            skipped.append(TorchCheckpoint.Skip(place: TorchCheckpointError.shown(place), what: what))
        }
    }

    /// Lists numbers, flags, texts and unknown objects in dictionaries and namespaces, with limits that shared and
    /// cyclic ones run into.
    private mutating func collectValues(_ objects: TorchObjects, except keys: Set<String>) {
        var open: [(id: Pickle.ID, place: String, depth: Int)] = [(objects.pickle.root, "", 0)]
        var visited = 0
        while let (id, place, depth) = open.popLast() {
            for member in objects.attributes(id) ?? [] {
                visited += 1
                guard visited <= Self.maximumValues else { return }
                guard let key = objects.scalar(member.key), key.utf8.count <= 200,
                    depth > 0 || !keys.contains(key) && tensors[key] == nil
                else { continue }
                let place = place.isEmpty ? key : "\(place).\(key)"
                if let value = objects.scalar(member.value) {
                    if value.utf8.count <= 1000 { values[place] = value }
                } else if objects.hasAttributes(member.value) {
                    if depth < Self.maximumDepth { open.append((member.value, place, depth + 1)) }
                } else if objects.pickle.isObject(member.value), !skipped.contains(where: { $0.place == place }) {
                    skip(place, objects.kind(member.value))
                }
            }
        }
    }
}
