import Foundation

/// Whole-file reads and writes that say what the system said.
enum FileAccess {
    /// All bytes of the file at `path`; throws `fileUnreadable`.
    static func read(_ path: String) throws(DataError) -> [UInt8] {
        guard let file = fopen(path, "rb") else { throw unreadable(path) }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        // The size is a hint to read at one go; the loop goes to the end of the file whatever it is.
        var information = stat()
        let expected = fstat(fileno(file), &information) == 0 ? Int(information.st_size) : 0
        var room = max(expected + 1, 4096)
        while true {
            let block = [UInt8](unsafeUninitializedCapacity: room) { target, count in
                count = fread(target.baseAddress, 1, target.count, file)
            }
            if ferror(file) != 0 { throw unreadable(path) }
            if bytes.isEmpty { bytes = block } else { bytes += block }
            if block.count < room { return bytes }
            room = 1 << 16
        }
    }

    /// Writes `bytes` beside `path` and renames the result, so that a failure leaves no half file;
    /// throws `fileUnwritable`.
    static func write(_ bytes: [UInt8], to path: String) throws(DataError) {
        let temporary = "\(path).\(getpid())-\(UInt32.random(in: 0 ... .max)).part"
        guard let file = fopen(temporary, "wb") else { throw unwritable(path) }
        var done = fwrite(bytes, 1, bytes.count, file) == bytes.count
        var reason = errno
        if fclose(file) != 0, done {
            done = false
            reason = errno
        }
        if done, rename(temporary, path) != 0 {
            done = false
            reason = errno
        }
        if !done {
            unlink(temporary)
            throw unwritable(path, reason: reason)
        }
    }

    private static func unreadable(_ path: String, reason: Int32 = errno) -> DataError {
        DataError(
            .fileUnreadable, "cannot be read: \(String(cString: strerror(reason)))", path: path,
            advice: "Check that the file exists and may be read.")
    }

    private static func unwritable(_ path: String, reason: Int32 = errno) -> DataError {
        DataError(
            .fileUnwritable, "cannot be written: \(String(cString: strerror(reason)))", path: path,
            advice: "Check that the folder exists, may be written to, and that the disk has room.")
    }
}
