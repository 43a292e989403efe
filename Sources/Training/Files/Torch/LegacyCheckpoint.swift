/// A checkpoint in the format of PyTorch before 1.6: five pickles one after the other (a number that means "torch", the
/// version, what the machine was like, the contents, the keys of the storages), then each storage as the number of its
/// elements and their little-endian bytes.
struct LegacyCheckpoint {
    /// The contents.
    let pickle: Pickle
    /// Where the elements of the storages lie, by key.
    private(set) var storages: [String: FileSection] = [:]

    private static let version = 1001
    /// "torch" as the pickle of a number has it: LONG1 of ten bytes.
    private static let magic: [UInt8] = [0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]

    /// Whether a file can be one by its first bytes: a pickle, with or without a frame, of the number.
    static func isLikely(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count > 24, bytes[0] == 0x80 else { return false }
        return [2, 11].contains { bytes[$0..<$0 + magic.count].elementsEqual(magic) }
    }

    /// Reads the pickles of a whole file's `bytes`, and finds the storages; `path` is for messages only.
    init(of bytes: UnsafeRawBufferPointer, path: String) throws(TorchCheckpointError) {
        var position = 0
        func malformed(_ message: String) -> TorchCheckpointError {
            TorchCheckpointError(.malformedPickle, path: path, message)
        }
        func next(_ what: String) throws(TorchCheckpointError) -> Pickle {
            let end = min(bytes.count, position + PickleReader.maximumCount)
            do {
                let (pickle, count) = try PickleReader.read(UnsafeRawBufferPointer(rebasing: bytes[position..<end]))
                position += count
                return pickle
            } catch {
                throw TorchCheckpointError(
                    error.isTooLarge ? .tooLarge : .malformedPickle, path: path,
                    "\(what), which begin at byte \(position): \(error.message)")
            }
        }
        _ = try next("the first words")
        let version = try next("the words on its version")
        guard version.integer(version.root) == Self.version else {
            throw malformed("its version is not \(Self.version), which all of PyTorch before 1.6 have written")
        }
        _ = try next("the words on the machine")
        pickle = try next("the contents")
        let keys = try next("the keys of the storages")
        guard let list = keys.sequence(keys.root) else { throw malformed("its list of storages is missing") }

        let known = try Self.described(pickle, path: path)
        for id in list {
            guard let key = keys.text(id), let storage = known[key] else {
                throw malformed("it has a storage that its contents do not describe, before byte \(position)")
            }
            func invalid(_ message: String) -> TorchCheckpointError {
                malformed("the storage \(TorchCheckpointError.shown(key)), at byte \(position), \(message)")
            }
            guard storages[key] == nil else { throw invalid("stands twice") }
            guard let count = bytes.unsigned(UInt64.self, at: position) else { throw invalid("is cut off") }
            guard count == storage.count else {
                throw invalid("has \(count) elements, and \(storage.count) by the contents")
            }
            let (size, isTooLarge) = count.multipliedReportingOverflow(by: storage.width)
            guard !isTooLarge, size <= bytes.count - position - 8 else {
                throw invalid("is cut off: of \(count) elements, \(max(0, bytes.count - position - 8)) bytes are there")
            }
            storages[key] = FileSection(range: position + 8..<position + 8 + size, checksum: 0)
            position += 8 + size
        }
    }

    /// What the contents say of each storage: the size of an element, and how many there are.
    private static func described(
        _ pickle: Pickle, path: String
    ) throws(TorchCheckpointError) -> [String: (width: Int, count: Int)] {
        var known: [String: (width: Int, count: Int)] = [:]
        for id in pickle.persistentIDs {
            // A persistent value can also be the source text of a module's class.
            guard let parts = pickle.sequence(id), parts.count >= 5, pickle.text(parts[0]) == "storage",
                let type = pickle.name(parts[1]), let key = pickle.text(parts[2]), let count = pickle.integer(parts[4])
            else { continue }
            guard let width = TorchObjects.elementWidth(ofStorage: type) else {
                throw TorchCheckpointError(
                    .invalidTensor, path: path,
                    "the storage \(TorchCheckpointError.shown(key)) is a \(TorchCheckpointError.shown(type)), whose size is not known"
                )
            }
            if let other = known[key], other != (width, count) {
                throw TorchCheckpointError(
                    .invalidTensor, path: path,
                    "the storage \(TorchCheckpointError.shown(key)) is described in two ways")
            }
            known[key] = (width, count)
        }
        return known
    }
}

/// Bytes in a file.
struct FileSection: Sendable {
    /// Where they lie.
    let range: Range<Int>
    /// Their CRC-32; 0 where the writer has not computed it.
    let checksum: UInt32
}
