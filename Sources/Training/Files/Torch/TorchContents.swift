/// What a checkpoint holds, found once when it is opened.
struct TorchContents {
    /// How files begin that PyTorch wrote before version 1.6: a pickle of a number that means "torch".
    static let legacyStart: [UInt8] = [
        0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E,
    ]
    /// Names that a state dict has among others of a checkpoint.
    private static let stateDictKeys = ["model", "state_dict", "model_state_dict"]
    /// How many plain values and skipped objects are listed, and how deep they are looked for.
    private static let maximumValues = 1000, maximumDepth = 4

    private(set) var names: [String] = []
    private(set) var tensors: [String: TorchTensor] = [:]
    private(set) var values: [String: String] = [:]
    private(set) var skipped: [TorchCheckpoint.Skip] = []
    private(set) var optimizer: Result<TorchOptimizerState?, TorchCheckpointError> = .success(nil)
    let isBigEndian: Bool

    private let path: String
    private let groupings: WeightGroupings

    init(of bytes: UnsafeRawBufferPointer, path: String, groupings: WeightGroupings) throws(TorchCheckpointError) {
        (self.path, self.groupings) = (path, groupings)
        if bytes.starts(with: Self.legacyStart) {
            throw TorchCheckpointError(
                .legacyFormat, path: path,
                "written in the format of PyTorch before 1.6; in a new PyTorch, load it "
                    + "and save it again: torch.save(torch.load(FILE, map_location=\"cpu\"), FILE)")
        }
        guard bytes.starts(with: [0x50, 0x4B]) else {
            throw TorchCheckpointError(
                .notACheckpoint, path: path, "not a checkpoint of PyTorch: it does not begin as a zip archive does")
        }
        let archive = try ZipArchive(of: bytes, path: path)
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
            pickle = try PickleReader.read(pickled)
        } catch {
            throw TorchCheckpointError(
                error.isTooLarge ? .tooLarge : .malformedPickle, path: path, "data.pkl: \(error.message)")
        }
        try read(
            TorchObjects(
                pickle: pickle, archive: archive, folder: folder, path: path, file: bytes, isBigEndian: isBigEndian,
                budget: TorchTensorBudget(fileSize: bytes.count)))
    }

    /// The folder inside the archive that holds `data.pkl`.
    private static func folder(of archive: ZipArchive, path: String) throws(TorchCheckpointError) -> String {
        let names = archive.entries.keys.filter {
            $0.hasSuffix("/data.pkl") && $0.utf8.count(where: { $0 == UInt8(ascii: "/") }) == 1
        }
        guard let name = names.first, names.count == 1 else {
            throw TorchCheckpointError(
                .notACheckpoint, path: path,
                names.isEmpty
                    ? "a zip archive without data.pkl, not a checkpoint of PyTorch"
                    : "the zip archive has several data.pkl")
        }
        let folder = String(name.dropLast("data.pkl".count))
        guard archive.entries[folder + "constants.pkl"] == nil else {
            throw TorchCheckpointError(
                .notACheckpoint, path: path,
                "an archive of TorchScript, which holds a program; save the weights alone: torch.save(model.state_dict(), FILE)"
            )
        }
        return folder
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

        let key = Self.stateDictKeys.first { key in pickle.member(pickle.root, key).map(pickle.isDictionary) ?? false }
        let stateDict = key.flatMap { pickle.member(pickle.root, $0) } ?? pickle.root
        guard let members = pickle.members(stateDict) else {
            throw noStateDict(
                "it holds \(objects.kind(pickle.root)); save the state dict instead: torch.save(model.state_dict(), FILE)",
                called)
        }
        for member in members {
            guard let name = pickle.text(member.key) else { continue }
            switch try objects.meaning(member.value, place: name) {
            case .tensor(let tensor):
                if tensors.updateValue(tensor, forKey: name) == nil { names.append(name) }
            case .unsupported(let what):
                // Beside the tensors of a bare state dict, plain values are no part of it.
                if key != nil || pickle.isObject(member.value) { skip(name, what) }
            }
        }
        guard !names.isEmpty else { throw noStateDict("it holds \(objects.kind(pickle.root)) without tensors", called) }

        if let state = pickle.member(pickle.root, "optimizer"), pickle.isDictionary(state) {
            do {
                let weights = names.map { (name: $0, shape: tensors[$0]?.shape ?? []) }
                optimizer = .success(try TorchOptimizerState(state, objects, weights, groupings))
            } catch {
                optimizer = .failure(error)
            }
        }
        collectValues(objects, except: key == nil ? ["optimizer"] : Set(Self.stateDictKeys).union(["optimizer"]))
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
