import Foundation

/// Writes files that are either complete under their name or not there at all.
///
/// The bytes go to a temporary file in the same folder, reach the disk, and only then take the name. When
/// anything fails on the way, or the process is killed, an earlier file of that name stays as it was; what a killed one
/// leaves, the next to write a file of that name removes.
/// What can be made again, such as a file of many, need not wait for the disk: only a loss of power could tell.
public enum AtomicFile {
    /// The ending of a temporary file's name; one that a killed process left behind can be removed.
    package static let temporarySuffix = ".partial"

    /// Where the bytes of a file under way go.
    public struct Output: ~Copyable {
        let descriptor: Int32
        package let path: String

        package init(descriptor: Int32, path: String) { (self.descriptor, self.path) = (descriptor, path) }

        /// Appends all of `bytes`. Throws when the system takes only a part of them.
        public func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
            var rest = bytes
            while !rest.isEmpty {
                // Systems refuse or cut writes of 2 GiB and more.
                let count = Foundation.write(descriptor, rest.baseAddress, min(rest.count, 1 << 30))
                if count > 0 {
                    rest = UnsafeRawBufferPointer(rebasing: rest[count...])
                } else if count == 0 || errno != EINTR {
                    throw FileError(path: path, action: "write", number: count == 0 ? EIO : errno)
                }
            }
        }

        /// Appends the UTF-8 bytes of `text`. Throws when the system takes only a part of them.
        public func write(_ text: String) throws(FileError) {
            try write(Array(text.utf8))
        }

        /// Gives the file its size before its bytes are there, so that whoever looks counts them already. Throws as the
        /// system does.
        package func reserve(_ byteCount: Int) throws(FileError) {
            guard ftruncate(descriptor, off_t(byteCount)) == 0 else { throw FileError(path: path, action: "write") }
        }

        /// Appends the elements of `numbers` as they lie in memory.
        package func write<Number: BitwiseCopyable>(_ numbers: [Number]) throws(FileError) {
            try numbers.withUnsafeBufferPointer { (numbers) throws(FileError) in
                try write(UnsafeRawBufferPointer(numbers))
            }
        }
    }

    /// Creates or replaces the file at `path` with what `body` writes; unless `waitsForDisk`, the bytes reach the disk
    /// when the system sees fit.
    /// - Throws: The first failure, or what `body` throws; the temporary file is gone by then.
    public static func write(
        to path: String, waitsForDisk: Bool = true, _ body: (borrowing Output) throws(FileError) -> Void
    ) throws(FileError) {
        let url = URL(fileURLWithPath: path)
        let folder = url.deletingLastPathComponent().path
        // A name can have 255 bytes; what is added to it must not make it longer.
        let prefix = "." + String(nameBytes: Array(url.lastPathComponent.nameBytes.prefix(200))) + "."
        // One file of many is not worth looking through its folder.
        if waitsForDisk { removeAbandoned(prefix, in: folder) }
        let (temporary, descriptor) = try open(prefix, in: folder, for: path)
        do throws(FileError) {
            try fill(descriptor, path: path, waitsForDisk: waitsForDisk, body)
            guard rename(temporary, path.systemName) == 0 else { throw FileError(path: path, action: "replace") }
        } catch {
            unlink(temporary)
            throw error
        }
        if waitsForDisk { try synchronize(folder) }
    }

    /// Throws if a file at `path` could not be written: for a result that takes long to get.
    public static func check(_ path: String) throws(FileError) {
        var information = stat()
        if stat(path.systemName, &information) == 0, information.st_mode & S_IFMT == S_IFDIR {
            throw FileError(path: path, action: "write", number: EISDIR)
        }
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        guard access((folder + "/").systemName, W_OK | X_OK) == 0 else { throw FileError(path: path, action: "write") }
    }

    /// Creates or replaces the file at `path` with a text. Throws as `write(to:_:)` does.
    public static func write(_ text: String, to path: String) throws(FileError) {
        try write(to: path) { (output) throws(FileError) in try output.write(text) }
    }

    /// Appends to the file at `path`, which is made if it is missing. Not atomic: a killed process can leave a part of
    /// the bytes.
    package static func append(_ bytes: [UInt8], to path: String) throws(FileError) {
        let descriptor = Foundation.open(path.systemName, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw FileError(path: path, action: "open") }
        defer { close(descriptor) }
        try Output(descriptor: descriptor, path: path).write(bytes)
    }

    /// A new temporary file, which is locked for as long as it is open.
    private static func open(_ prefix: String, in folder: String, for path: String) throws(FileError) -> (
        [CChar], Int32
    ) {
        while true {
            let unique = "\(getpid())-\(UInt32.random(in: 0 ... .max))"
            let temporary = "\(folder)/\(prefix)\(unique)\(temporarySuffix)".systemName
            let descriptor = Foundation.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
            guard descriptor >= 0 else { throw FileError(path: path, action: "write") }
            // Where there are no locks, nobody removes it either. Whoever held it abandoned in this moment has it now.
            guard flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK || access(temporary, F_OK) != 0
            else { return (temporary, descriptor) }
            close(descriptor)
        }
    }

    /// Removes temporary files that no process has open any longer; without a prefix those of all names, for a folder
    /// of files that do not wait for the disk.
    package static func removeAbandoned(_ prefix: String? = nil, in folder: String) {
        for name in (try? Folders.names(in: folder)) ?? []
        where name.hasPrefix(prefix ?? ".") && name.hasSuffix(temporarySuffix) {
            let start = name.dropLast(temporarySuffix.count)
            // Another file's name may begin in the same way.
            let unique = prefix.map { start.dropFirst($0.count) } ?? start.split(separator: ".").last ?? ""
            let numbers = unique.split(separator: "-", omittingEmptySubsequences: false)
            guard numbers.count == 2, numbers.allSatisfy({ UInt32($0) != nil }) else { continue }
            let path = "\(folder)/\(name)".systemName, descriptor = Foundation.open(path, O_WRONLY | O_CLOEXEC)
            guard descriptor >= 0 else { continue }
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { unlink(path) }
            close(descriptor)
        }
    }

    /// Writes all of the file, brings it to the disk if that is asked for, and closes it, also on failure.
    ///
    /// Not inlined: the optimizer of Swift 6.3.1 aborts when it inlines a body that is lent a noncopyable value.
    @inline(never)
    private static func fill(
        _ descriptor: Int32, path: String, waitsForDisk: Bool, _ body: (borrowing Output) throws(FileError) -> Void
    ) throws(FileError) {
        do throws(FileError) {
            try body(Output(descriptor: descriptor, path: path))
            guard !waitsForDisk || fsync(descriptor) == 0 else { throw FileError(path: path, action: "write") }
        } catch {
            close(descriptor)
            throw error
        }
        // Some network file systems report a full disk only here.
        guard close(descriptor) == 0 else { throw FileError(path: path, action: "write") }
    }

    /// Brings the bytes of a file, or a folder's list of names, to the disk, so that they survive a loss of power.
    package static func synchronize(_ path: String) throws(FileError) {
        let descriptor = Foundation.open(path.systemName, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError(path: path, action: "open") }
        defer { close(descriptor) }
        // File systems that cannot do this for a folder say EINVAL; there is nothing more to do there.
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw FileError(path: path, action: "write") }
    }
}
