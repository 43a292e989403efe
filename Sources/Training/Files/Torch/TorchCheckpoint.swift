import ApusFiles
import Synchronization

/// A checkpoint as `torch.save` writes it: since PyTorch 1.6 a zip archive of a pickle and the tensors' storages, and
/// before that a file of pickles and storages one after the other.
///
/// Nothing in the file is executed. Of the objects that it names, containers and tensors are read; all others are left
/// out and listed in ``skipped``. The file is mapped, its structure is checked when it is opened, and elements are
/// copied only when asked for.
public struct TorchCheckpoint: Sendable {
    /// Something that the file holds and that is not read.
    public struct Skip: Hashable, Sendable, CustomStringConvertible {
        /// Where it stands, such as `args.device`; nil for what is only named.
        public let place: String?
        /// What it is, such as `torch.device`.
        public let what: String

        public var description: String {
            place.map { "\($0): \(what) is not read" } ?? "\(what) is named and was not called"
        }
    }

    /// The path that the file was read from.
    public let path: String
    /// The names of the state dict's tensors without ``prefix``, in its order, which is that of the model's layers.
    public let names: [String]
    /// Numbers, flags and texts beside the state dict by dotted path, such as `epoch` or `args.lr`, as Python writes
    /// them.
    public let values: [String: String]
    /// What is in the file and was not read.
    public let skipped: [Skip]
    /// The keys that lead to the state dict, with dots between them; empty for the file's whole content.
    public let key: String
    /// The keys of other dictionaries with tensors.
    public let otherKeys: [String]
    /// What the names of the tensors begin with in the file.
    public let prefix: String

    private let file: MappedFile
    private let tensors: [String: TorchTensor]
    private let optimizerState: Result<TorchOptimizerState?, TorchCheckpointError>
    private let isBigEndian: Bool
    private let sound = SoundStorages()

    /// Opens and checks a file. Where `selection` leaves it open, the state dict is the one that can be meant.
    /// `groupings` are the ways in which the weights can have been numbered for the optimizer.
    public init(
        contentsOf path: String, groupings: WeightGroupings = .single, selection: WeightsSelection = WeightsSelection()
    ) throws(TorchCheckpointError) {
        self.path = path
        do {
            file = try MappedFile(contentsOf: path)
        } catch {
            throw TorchCheckpointError(.unreadable, path: path, error.problem)
        }
        let contents = try file.withBytes { (bytes) throws(TorchCheckpointError) in
            try TorchContents(of: bytes, path: path, groupings: groupings, selection: selection)
        }
        (names, tensors, values, skipped) = (contents.names, contents.tensors, contents.values, contents.skipped)
        (optimizerState, isBigEndian) = (contents.optimizer, contents.isBigEndian)
        (key, otherKeys, prefix) = (contents.key, contents.otherKeys, contents.prefix)
    }

    /// Whether the file can be one of PyTorch's by its first bytes: a zip archive, or pickles as before version 1.6.
    static func isLikely(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.starts(with: [0x50, 0x4B, 0x03, 0x04]) || LegacyCheckpoint.isLikely(bytes)
    }

    /// Whether the file holds a tensor of this name.
    public func contains(_ name: String) -> Bool { tensors[name] != nil }

    /// The tensor's shape. Throws `.missingTensor`.
    public func shape(_ name: String) throws(TorchCheckpointError) -> [Int] { try tensor(name).shape }

    /// The tensor's element type. Throws `.missingTensor`.
    public func elementType(_ name: String) throws(TorchCheckpointError) -> SafetensorsElementType {
        try tensor(name).elementType
    }

    /// The elements of a floating-point tensor in the order of its shape, f64 rounded to the nearest. Throws
    /// `.missingTensor`, `.wrongElementType` or `.damaged`.
    public func floats(_ name: String) throws(TorchCheckpointError) -> [Float] {
        let type = try elementType(name)
        guard type.isFloatingPoint else {
            throw TorchCheckpointError(
                .wrongElementType, path: path,
                "\"\(name)\" is \(type.rawValue) and cannot be read as floating-point numbers")
        }
        return try bytes(name).withUnsafeBytes { type.floats($0) }
    }

    /// The elements in the order of the shape, little-endian. Throws `.missingTensor` or `.damaged`.
    public func bytes(_ name: String) throws(TorchCheckpointError) -> [UInt8] {
        let tensor = try tensor(name)
        return try file.withBytes { (bytes) throws(TorchCheckpointError) in
            guard sound.check(tensor, in: bytes) else {
                throw TorchCheckpointError(
                    .damaged, path: path,
                    "the elements of \"\(TorchCheckpointError.shown(name))\" do not have the checksum that the file gives for them"
                )
            }
            return tensor.elements(in: bytes, isBigEndian: isBigEndian)
        }
    }

    /// The optimizer's state by the names of the weights, whose tensors are read like those of the state dict; nil if
    /// the file has none.
    ///
    /// Throws `.unusableOptimizer` if it cannot be assigned to the weights for certain.
    public func optimizer() throws(TorchCheckpointError) -> TorchOptimizerState? { try optimizerState.get() }

    private func tensor(_ name: String) throws(TorchCheckpointError) -> TorchTensor {
        if let tensor = tensors[name] { return tensor }
        if case .success(let state?) = optimizerState, let tensor = state.tensors[name] { return tensor }
        throw TorchCheckpointError(
            .missingTensor, path: path, "no tensor \"\(TorchCheckpointError.shown(name))\" in this file")
    }
}

/// Storages whose checksum was found right, so that many tensors in one storage do not mean many checks.
private final class SoundStorages: Sendable {
    private let starts = Mutex<Set<Int>>([])

    func check(_ tensor: TorchTensor, in bytes: UnsafeRawBufferPointer) -> Bool {
        if tensor.checksum == 0 || starts.withLock({ $0.contains(tensor.storage.lowerBound) }) { return true }
        guard CRC32.zip.checksum(UnsafeRawBufferPointer(rebasing: bytes[tensor.storage])) == tensor.checksum else {
            return false
        }
        starts.withLock { _ = $0.insert(tensor.storage.lowerBound) }
        return true
    }
}
