import ApusFiles

/// What is wrong with a safetensors file, or with what was asked of it.
public struct SafetensorsError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kinds of faults.
    public enum Code: String, Sendable {
        /// The file cannot be opened or is not a file.
        case unreadable
        /// The file cannot be written.
        case unwritable
        /// The header's length or text is wrong.
        case malformedHeader
        /// One tensor's element type, shape or offsets are wrong.
        case invalidTensor
        /// The tensors together overlap, leave holes or do not fill the file.
        case invalidLayout
        /// Several tensors, or none, that can be the weights that are asked for.
        case ambiguous
        /// The file holds no tensor of the name asked for.
        case missingTensor
        /// The tensor's element type cannot be read as what was asked for.
        case wrongElementType
        /// The memory that was given does not have the tensor's size.
        case wrongSize
    }

    /// The kind of fault.
    public let code: Code
    /// The file at fault.
    public let path: String
    /// The tensor at fault, where it is one.
    public let tensor: String?
    /// What is wrong, without the path and the tensor's name.
    public let message: String
    /// The system's error behind `.unreadable` and `.unwritable`.
    public let cause: FileError?

    init(code: Code, path: String, tensor: String? = nil, message: String, cause: FileError? = nil) {
        self.code = code
        self.path = path
        self.tensor = tensor
        self.message = message
        self.cause = cause
    }

    public var description: String {
        guard let tensor else { return "\(path): \(message)" }
        // A hostile file can hold a name of a hundred megabytes, which must not fill the terminal.
        let name = tensor.utf8.count > 200 ? tensor.prefix(200) + "…" : tensor
        return "\(path): tensor \"\(name)\": \(message)"
    }
}
