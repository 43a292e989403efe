import ApusSystem
import Foundation

/// A folder that nobody but this user can write to, and the files in it.
///
/// The folder is examined once, when it is opened, and all files are reached through its descriptor: what takes the
/// folder's name afterwards is not looked at.
struct CacheFolder: ~Copyable {
    private let path: String
    private let descriptor: Int32

    /// The ending of a file that is still being written.
    private static let temporarySuffix = ".partial"
    /// After so many seconds the writer of such a file must have died.
    private static let longestWrite = 3600

    /// Opens a folder; with `creating`, makes it if it is missing. Nil if it is not there, or if another user owns it
    /// or may write to it: code from there could be anybody's.
    init?(_ path: String, creating: Bool = false) {
        func opened() -> Int32 { open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        var descriptor = opened()
        if descriptor < 0, errno == ENOENT, creating {
            Self.create(path)
            descriptor = opened()
        }
        guard descriptor >= 0 else { return nil }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_uid == geteuid(), status.st_mode & 0o022 == 0 else {
            close(descriptor)
            return nil
        }
        self.path = path
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// Makes a folder and those above it, for this user only.
    private static func create(_ path: String) {
        for slash in path.indices.dropFirst() where path[slash] == "/" { mkdir(String(path[..<slash]), 0o700) }
        mkdir(path, 0o700)
    }

    /// What there is under a name.
    enum Content {
        case bytes([UInt8])
        /// No plain file, or one with more bytes than are read: nobody has written it here.
        case stranger
        /// Nothing; or something that the system does not read at this moment, such as when too many files are open,
        /// which says nothing about the file.
        case unavailable
    }

    /// The content of a file of up to `limit` bytes, which counts as used now.
    func read(_ name: String, limit: Int) -> Content {
        let file = openat(descriptor, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        // A link, or a socket.
        guard file >= 0 else { return errno == ELOOP || errno == ENXIO ? .stranger : .unavailable }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { return .unavailable }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_size <= limit else { return .stranger }
        futimens(file, nil)
        var isWhole = true
        let bytes = [UInt8](unsafeUninitializedCapacity: Int(status.st_size)) { buffer, count in
            count = 0
            while count < buffer.count {
                let step = Foundation.read(file, buffer.baseAddress! + count, buffer.count - count)
                if step > 0 {
                    count += step
                } else if step == 0 {
                    break
                } else if errno != EINTR {
                    isWhole = false
                    break
                }
            }
        }
        return isWhole ? .bytes(bytes) : .unavailable
    }

    /// What becomes of a file of the same name.
    enum Earlier { case replaced, kept }

    /// Creates or replaces a file, or creates it unless there is one: others see the old content or the new one, never
    /// a part. False if nothing was written.
    func write(_ bytes: [UInt8], to name: String, _ earlier: Earlier) -> Bool {
        let temporary = ".\(getpid())-\(UInt64.random(in: 0 ... .max))\(Self.temporarySuffix)"
        let file = openat(descriptor, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { return false }
        var isComplete = Self.append(bytes, to: file)
        isComplete = close(file) == 0 && isComplete
        if isComplete, earlier == .kept {
            // A second name can be given, other than by renaming, only if nothing has it.
            let isNew = linkat(descriptor, temporary, descriptor, name, 0) == 0
            if isNew || errno == EEXIST {
                unlinkat(descriptor, temporary, 0)
                return isNew
            }
            // The file system knows no second names. Two writers at the same moment can then replace each other.
        }
        if isComplete, renameat(descriptor, temporary, descriptor, name) == 0 { return true }
        unlinkat(descriptor, temporary, 0)
        return false
    }

    private static func append(_ bytes: [UInt8], to file: Int32) -> Bool {
        bytes.withUnsafeBytes { bytes in
            var written = 0
            while written < bytes.count {
                let step = Foundation.write(file, bytes.baseAddress! + written, bytes.count - written)
                if step > 0 { written += step } else if step == 0 || errno != EINTR { return false }
            }
            return true
        }
    }

    /// Removes whatever has this name, if it can be removed.
    func remove(_ name: String) {
        if unlinkat(descriptor, name, 0) != 0 { unlinkat(descriptor, name, AT_REMOVEDIR) }
    }

    /// Removes the files with one of the endings that were not used for longest, until an eighth of the limit is free
    /// again; and what writers that died have left.
    func trim(to limit: Int, suffixes: [String]) {
        var files: [(name: String, bytes: Int, used: (Int, Int))] = []
        for name in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] {
            var status = stat()
            guard fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0, status.st_mode & S_IFMT == S_IFREG
            else { continue }
            let used = status.lastModification
            if suffixes.contains(where: name.hasSuffix) {
                files.append((name, Self.blocks(Int(status.st_size)), used))
            } else if name.hasSuffix(Self.temporarySuffix), time(nil) - used.0 > Self.longestWrite {
                remove(name)
            }
        }
        var total = files.reduce(0) { $0 + $1.bytes }
        guard total > limit else { return }
        for file in files.sorted(by: { $0.used < $1.used }) where total > limit - limit / 8 {
            remove(file.name)
            total -= file.bytes
        }
    }

    /// Bytes that a file takes on common file systems.
    static func blocks(_ byteCount: Int) -> Int { (byteCount + 4095) / 4096 * 4096 }
}
