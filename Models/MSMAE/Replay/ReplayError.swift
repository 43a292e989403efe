import Apus

/// Why a file cannot be replayed.
public struct ReplayError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// The file cannot be opened, or is not a safetensors file.
        case unreadable
        /// A safetensors file that no recording describes.
        case notARecording
        /// A kind, or an option of it, that this version does not replay.
        case unsupported
        /// A description that is incomplete or makes no model.
        case badDescription
        /// A tensor that the recording needs and has not got.
        case missingTensor
        /// A tensor whose shape, element type or numbers contradict the description.
        case contradiction
        /// A tensor that is not part of a recording of this kind.
        case unknownTensor
        /// The model cannot be compiled or run.
        case notRunnable
    }

    public let code: Code
    /// The file at fault.
    public let path: String
    /// What is wrong, without the path.
    public let message: String

    init(_ code: Code, path: String, _ message: String) {
        (self.code, self.path, self.message) = (code, path, message)
    }

    public var description: String { "\(path): \(message)" }
}
