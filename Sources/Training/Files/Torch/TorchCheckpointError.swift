/// What is wrong with a file that PyTorch is said to have written, or with what was asked of it.
public struct TorchCheckpointError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kinds of faults.
    public enum Code: String, Sendable {
        /// The file cannot be opened or is not a file.
        case unreadable
        /// Not a file that `torch.save` wrote.
        case notACheckpoint
        /// A zip archive whose structure contradicts itself.
        case malformedArchive
        /// A zip archive with compressed or encrypted entries, or names that lead out of a folder.
        case unsupportedArchive
        /// A pickle that is cut off or contradicts itself.
        case malformedPickle
        /// More than a checkpoint can plausibly hold.
        case tooLarge
        /// The file is sound and holds no state dict, or none where it is asked for.
        case noStateDict
        /// Several state dicts, or several models in one, of which any can be meant.
        case ambiguous
        /// A tensor that does not lie in its storage.
        case invalidTensor
        /// Bytes that do not have the checksum that the archive gives for them.
        case damaged
        /// The file holds no tensor of the name asked for.
        case missingTensor
        /// The tensor's element type cannot be read as what was asked for.
        case wrongElementType
        /// State of an optimizer that cannot be assigned to weights for certain.
        case unusableOptimizer
    }

    /// The kind of fault.
    public let code: Code
    /// The file at fault.
    public let path: String
    /// What is wrong, without the path.
    public let message: String

    init(_ code: Code, path: String, _ message: String) {
        (self.code, self.path, self.message) = (code, path, message)
    }

    public var description: String { "\(path): \(message)" }

    /// A text from the file, shortened so that a hostile one does not fill the terminal.
    static func shown(_ text: some StringProtocol) -> String { text.shown }

    /// An entry of the archive of a kind that `torch.save` does not write.
    static func unsupported(_ name: String, _ what: String, path: String) -> TorchCheckpointError {
        TorchCheckpointError(
            .unsupportedArchive, path: path,
            "the entry \"\(name.shown)\" of the zip archive is \(what), as torch.save does not "
                + "write it; save the state dict alone by PyTorch: torch.save(model.state_dict(), FILE)")
    }

    /// What is wrong with the archive that a checkpoint is.
    init(_ error: ZipError, path: String) {
        switch error {
        case .noDirectory:
            self.init(
                .notACheckpoint, path: path,
                "the file ends without the directory of a zip archive: it is cut off, or PyTorch did not write it")
        case .malformed(let message):
            self.init(.malformedArchive, path: path, "the zip archive is damaged: \(message)")
        case .tooLarge(let what):
            self.init(.tooLarge, path: path, "the zip archive has \(what), more than any checkpoint")
        case .encrypted(let name): self = .unsupported(name, "encrypted", path: path)
        case .outside(let name):
            self.init(
                .unsupportedArchive, path: path,
                "the zip archive has an entry \"\(name.shown)\", a path that leads out of a folder")
        }
    }
}
