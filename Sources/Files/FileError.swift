import Foundation

/// A file or folder that the system refused to open, read, write or rename.
public struct FileError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The file or folder that was asked for.
    public let path: String
    /// What was being done to it, as a verb: "write", "rename".
    public let action: String
    /// The system's error number.
    public let number: Int32

    /// The error of the system call that has just failed, or the one given.
    public init(path: String, action: String, number: Int32 = errno) {
        self.path = path
        self.action = action
        self.number = number
    }

    /// The system's own words for the error number.
    public var reason: String { String(cString: strerror(number)) }

    /// What the user can do about it, where there is something to say.
    public var advice: String? {
        switch number {
        case ENOSPC, EDQUOT: "free some space there, or choose another place"
        case EFBIG: "the limit on the size of files (ulimit -f) or the file system forbids a file this large"
        case EACCES, EPERM: "check who owns it and its permissions"
        case EROFS: "the file system is mounted read-only; choose another place"
        case ENOENT: "check the spelling; the folder has to exist"
        case EISDIR: "a file was expected here, and this is a folder"
        case ENOTDIR: "a folder was expected where a file is"
        case EMFILE, ENFILE: "too many files are open; raise the limit (ulimit -n)"
        default: nil
        }
    }

    public var description: String { "\(path): \(problem)".inOneLine }

    /// The description without the path.
    package var problem: String {
        let problem = "cannot \(action): \(reason)"
        return advice.map { "\(problem) (\($0))" } ?? problem
    }
}
