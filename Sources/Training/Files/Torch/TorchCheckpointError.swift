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
    static func shown(_ text: some StringProtocol) -> String {
        let printable = String(
            text.unicodeScalars.prefix(100).map { $0.value < 32 || $0.value == 127 ? "?" : Character($0) })
        return text.unicodeScalars.count > 100 ? printable + "…" : printable
    }
}
