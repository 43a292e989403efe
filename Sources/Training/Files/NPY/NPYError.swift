import ApusFiles

/// What is wrong with a file in NumPy's format, or with one that should be written.
public struct NPYError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kinds of faults.
    public enum Code: String, Sendable {
        /// The file cannot be opened or is not a file.
        case unreadable
        /// The file cannot be written.
        case unwritable
        /// The file does not begin with a header of the format.
        case malformedHeader
        /// A version, an element type or an order of elements that is not read.
        case unsupported
        /// The elements are more or fewer than the shape says.
        case wrongSize
        /// Not an archive of arrays (.npz), or one whose structure contradicts itself.
        case malformedArchive
        /// Bytes of an archive that do not have the checksum that it gives for them, or cannot be decompressed.
        case damaged
        /// The archive holds no array of the name asked for.
        case missingArray
        /// A name that no array of an archive can have.
        case invalidName
    }

    /// The kind of fault.
    public let code: Code
    /// The file at fault.
    public let path: String
    /// What is wrong, without the path.
    public let message: String
    /// The system's error behind `.unreadable` and `.unwritable`.
    public let cause: FileError?

    init(_ code: Code, path: String, _ message: String, cause: FileError? = nil) {
        self.code = code
        self.path = path
        self.message = message
        self.cause = cause
    }

    public var description: String { "\(path): \(message)" }
}
