import Foundation
import Synchronization

/// The right to write into a folder, which one process has at a time.
///
/// It is a lock of the system (`flock`) on the file `.lock` in the folder. The system releases it when its owner ends,
/// however that happens, and carries it between machines where the file system does, as NFS. The file says whose it is.
/// On a file system without locks the file itself is the sign: it counts while the process that it names runs, and one
/// of another machine until somebody removes it. Who only reads a folder needs no lock.
public final class FolderLock: Sendable {
    private let folder: String
    private let descriptor: Mutex<Int32?>

    /// Takes the lock of a folder, which is made if it is missing, until `release` or the last reference goes.
    /// - Throws: `.held` if another process has it, or another object of this one; `.file` if the system refuses.
    public convenience init(creating folder: String) throws(FolderLockError) {
        do throws(FileError) { try Folders.make(folder) } catch { throw .file(error) }
        try self.init(folder)
    }

    /// Takes the lock of a folder that is there. `tryLock` is what the system offers for a file's descriptor.
    package init(
        _ folder: String, tryLock: (Int32) -> Int32 = { flock($0, LOCK_EX | LOCK_NB) }
    ) throws(FolderLockError) {
        self.folder = folder
        descriptor = Mutex(try Self.take(folder, tryLock))
    }

    deinit { release() }

    /// Gives the folder free, which may have got another name meanwhile; does nothing the second time.
    public func release(movedTo path: String? = nil) {
        descriptor.withLock { descriptor in
            guard let held = descriptor else { return }
            // Gone before the lock is: whoever opened it before sees that it has no name any longer.
            unlink(Self.file(path ?? folder).systemName)
            close(held)
            descriptor = nil
        }
    }

    /// The name of the file in a folder.
    package static let fileName = ".lock"

    private static func file(_ folder: String) -> String { "\(folder)/\(fileName)" }

    private static func take(_ folder: String, _ tryLock: (Int32) -> Int32) throws(FolderLockError) -> Int32 {
        while true {
            let descriptor = open(file(folder).systemName, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
            guard descriptor >= 0 else { throw .file(FileError(path: folder, action: "write")) }
            let locked = tryLock(descriptor) == 0, number = errno
            if locked, hasName(descriptor, file(folder)) {
                write(.current, to: descriptor)
                return descriptor
            }
            let owner = FolderOwner(descriptor)
            switch (locked, number) {
            case (true, _), (false, EINTR): close(descriptor)  // its owner has just removed it, or a signal came
            case (false, EWOULDBLOCK):
                close(descriptor)
                throw .held(path: folder, by: owner)
            default: return try takeWithoutLocks(folder, descriptor, owner)
            }
        }
    }

    /// Whether a file is still the one of that name.
    private static func hasName(_ descriptor: Int32, _ path: String) -> Bool {
        var opened = stat(), named = stat()
        return fstat(descriptor, &opened) == 0 && stat(path.systemName, &named) == 0 && opened.st_ino == named.st_ino
            && opened.st_dev == named.st_dev
    }

    /// Claims the file by what it says; of several that do so at once, the last one has it.
    private static func takeWithoutLocks(_ folder: String, _ descriptor: Int32, _ owner: FolderOwner?)
        throws(FolderLockError) -> Int32
    {
        if let owner, owner.mayRun {
            close(descriptor)
            throw .held(path: folder, by: owner)
        }
        write(.current, to: descriptor)
        usleep(50_000)
        let last = FolderOwner(descriptor)
        guard last == nil || last == .current else {
            close(descriptor)
            throw .held(path: folder, by: last)
        }
        return descriptor
    }

    /// Says whose the folder is. A full disk does not matter: the lock holds without it.
    private static func write(_ owner: FolderOwner, to descriptor: Int32) {
        let text = Array(owner.text.utf8)
        _ = ftruncate(descriptor, 0)
        _ = pwrite(descriptor, text, text.count, 0)
    }
}

/// A process that writes into a folder.
public struct FolderOwner: Hashable, Sendable, CustomStringConvertible {
    /// The machine's name, and the process's number on it.
    public let host: String, process: Int32
    /// When the process began, in a form that only tells it from others of its number.
    let start: String

    public var description: String { "process \(process) on \(host)" }

    var text: String { "\(host) \(process) \(start)\n" }

    package static let current = FolderOwner(
        host: ProcessInfo.processInfo.hostName, process: getpid(), start: start(of: getpid()))

    /// What a file says; nil if it says nothing.
    init?(_ descriptor: Int32) {
        var bytes = [UInt8](repeating: 0, count: 1024)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        let words = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard words.count == 3, let process = Int32(words[1]), process > 0 else { return nil }
        self.init(host: String(words[0]), process: process, start: String(words[2]))
    }

    package init(host: String, process: Int32, start: String) {
        (self.host, self.process, self.start) = (host, process, start)
    }

    /// Whether the process runs, or cannot be asked since it is on another machine.
    var mayRun: Bool {
        guard host == Self.current.host else { return true }
        return (kill(process, 0) == 0 || errno == EPERM) && Self.start(of: process) == start
    }

    /// Ticks from the machine's start to the process's, where the system tells them in a file.
    private static func start(of process: Int32) -> String {
        guard let stat = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
            // The name of the program, in brackets, may hold anything.
            let end = stat.lastIndex(of: ")")
        else { return "0" }
        let fields = stat[end...].split(separator: " ")
        return fields.count > 20 ? String(fields[20]) : "0"
    }
}

/// Why a folder cannot be written into now.
public enum FolderLockError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A process, named where that is known, writes into it.
    case held(path: String, by: FolderOwner?)
    /// The file of the lock cannot be made or read.
    case file(FileError)

    public var description: String {
        switch self {
        case .held(let path, let owner):
            "\(path): the folder is in use by \(owner?.description ?? "another process"); "
                + "wait until that ends, or choose another folder"
        case .file(let error): error.description
        }
    }
}
