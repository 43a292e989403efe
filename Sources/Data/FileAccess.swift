import Foundation

/// Whole-file reads and writes, and lists of folders, that say what the system said.
enum FileAccess {
    /// The visible names inside a folder, ordered by code point; throws `fileUnreadable`.
    static func names(in folder: String) throws(DataError) -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: folder)
                .filter { !$0.hasPrefix(".") }
                .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        } catch {
            throw DataError(
                .fileUnreadable, "the folder cannot be listed (\(error.localizedDescription))", path: folder,
                advice: "Check that the folder may be read.")
        }
    }

    /// The visible files inside a folder that have one of some extensions, in any case; throws `fileUnreadable`.
    static func images(in folder: String, extensions: Set<String>) throws(DataError) -> [String] {
        let wanted = Set(extensions.map { $0.lowercased() })
        return try names(in: folder).filter {
            wanted.contains(($0 as NSString).pathExtension.lowercased()) && !isFolder("\(folder)/\($0)")
        }
    }

    static func isFolder(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
    }

    /// Makes a folder and those above it; throws `fileUnwritable`.
    static func createFolder(_ path: String) throws(DataError) {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw DataError(
                .fileUnwritable, "the folder cannot be made (\(error.localizedDescription))", path: path,
                advice: "Check that the folder above it exists and may be written to.")
        }
    }

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

    /// Says that the system could not write a file; the reason is that of the last call unless given.
    static func unwritable(_ path: String, reason: Int32 = errno) -> DataError {
        DataError(
            .fileUnwritable, "cannot be written: \(String(cString: strerror(reason)))", path: path,
            advice: "Check that the folder exists, may be written to, and that the disk has room.")
    }
}
