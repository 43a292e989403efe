import ApusFiles
import Foundation

/// Whole-file reads and writes, and lists of folders, that say what the system said.
enum FileAccess {
    /// The names inside a folder, ordered by code point; throws `fileUnreadable`.
    static func names(in folder: String) throws(DataError) -> [String] {
        do {
            return try Folders.names(in: folder)
        } catch {
            throw DataError(
                .fileUnreadable, "the folder cannot be listed: \(error.reason)", path: folder,
                advice: "Check that the folder may be read.")
        }
    }

    /// The visible folders inside a folder, ordered by code point; throws `fileUnreadable`.
    static func folders(in folder: String) throws(DataError) -> [String] {
        try names(in: folder).filter { !isHidden($0) && isFolder("\(folder)/\($0)") }
    }

    static func isHidden(_ name: String) -> Bool { name.utf8.first == UInt8(ascii: ".") }

    static func isFolder(_ path: String) -> Bool { Folders.isFolder(path) }

    /// Makes a folder and those above it; throws `fileUnwritable`.
    static func createFolder(_ path: String) throws(DataError) {
        do {
            try Folders.make(path)
        } catch {
            throw DataError(
                .fileUnwritable, "the folder cannot be made: \(error.reason)", path: path,
                advice: "Check that the folder above it exists and may be written to.")
        }
    }

    /// The largest file that is read, in bytes: 1 GiB, far more than an image within the decoder's limits takes.
    static let largestFile = 1 << 30

    /// All bytes of the file at `path`; throws `fileUnreadable`, also for a folder or a pipe, or `fileTooLarge`.
    static func read(_ path: String) throws(DataError) -> [UInt8] {
        // A pipe without a writer would block the opening for ever; for a file this flag changes nothing.
        let file = open(path.systemName, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw unreadable(path) }
        defer { close(file) }
        var information = stat()
        guard fstat(file, &information) == 0 else { throw unreadable(path) }
        let kind = information.st_mode & S_IFMT
        guard kind == S_IFREG else { throw unreadable(path, reason: kind == S_IFDIR ? EISDIR : EINVAL) }
        // A file can have a size without having the bytes: what it claims is not believed beyond the limit.
        let size = Int(information.st_size)
        guard size <= largestFile else { throw tooLarge(path, "has \(size) bytes") }
        // One byte more than it has shows that the end is reached, in one go.
        var bytes: [UInt8] = [], room = max(size + 1, 4096)
        while true {
            var failure: Int32?
            let block = [UInt8](unsafeUninitializedCapacity: room) { target, count in
                count = 0
                while count < target.count {
                    let step = Foundation.read(file, target.baseAddress! + count, target.count - count)
                    if step > 0 {
                        count += step
                    } else if step == 0 {
                        break
                    } else if errno != EINTR {
                        failure = errno
                        break
                    }
                }
            }
            if let failure { throw unreadable(path, reason: failure) }
            if bytes.isEmpty { bytes = block } else { bytes += block }
            if block.count < room { return bytes }
            // It grows while it is read.
            guard bytes.count <= largestFile else { throw tooLarge(path, "has more") }
            room = 1 << 16
        }
    }

    /// Writes `bytes` to a file that is there whole or not at all; throws `fileUnwritable`.
    static func write(_ bytes: [UInt8], to path: String) throws(DataError) {
        do {
            try AtomicFile.write(to: path, waitsForDisk: false) { (output) throws(FileError) in
                try output.write(bytes)
            }
        } catch {
            throw unwritable(path, reason: error.number)
        }
    }

    private static func tooLarge(_ path: String, _ what: String) -> DataError {
        DataError(
            .fileTooLarge, "\(what), and files of up to \(largestFile) are read", path: path,
            advice: "Remove the file, or store the image in fewer bytes.")
    }

    private static func unreadable(_ path: String, reason: Int32 = errno) -> DataError {
        DataError(
            .fileUnreadable, "cannot be read: \(String(cString: strerror(reason)))", path: path,
            advice: "Check that the file exists and may be read.")
    }

    /// Says that the system could not write a file; the reason is that of the last call unless given.
    static func unwritable(_ path: String, reason: Int32 = errno) -> DataError {
        DataError(
            .fileUnwritable, "cannot be written: \(String(cString: strerror(reason)))", path: path,
            advice: "Check that the folder exists, may be written to, and that the disk has room.")
    }
}
