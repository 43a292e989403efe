import Foundation

/// Folders by the system's own calls, which lose no name.
package enum Folders {
    /// The names inside a folder, hidden ones too, in the order of their bytes.
    package static func names(in folder: String) throws(FileError) -> [String] {
        guard let stream = opendir(folder.systemName) else { throw FileError(path: folder, action: "list") }
        defer { closedir(stream) }
        var names: [[UInt8]] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else { break }
            // Some file systems have names that are longer than the field of the record.
            let name = UnsafeRawPointer(entry) + MemoryLayout<dirent>.offset(of: \.d_name)!
            let bytes = UnsafeRawBufferPointer(start: name, count: strlen(name.assumingMemoryBound(to: CChar.self)))
            if !bytes.elementsEqual(".".utf8), !bytes.elementsEqual("..".utf8) { names.append(Array(bytes)) }
        }
        guard errno == 0 else { throw FileError(path: folder, action: "list") }
        return names.sorted { $0.lexicographicallyPrecedes($1) }.map { String(nameBytes: $0) }
    }

    /// Which folder is at a path, links followed; nil if there is none.
    package static func identity(_ path: String) -> [UInt64]? {
        var information = stat()
        guard stat(path.systemName, &information) == 0, information.st_mode & S_IFMT == S_IFDIR else { return nil }
        return [UInt64(truncatingIfNeeded: information.st_dev), UInt64(information.st_ino)]
    }

    /// Whether there is a folder at a path, links followed.
    package static func isFolder(_ path: String) -> Bool { identity(path) != nil }

    /// Whether there is anything at a path, links followed.
    package static func exists(_ path: String) -> Bool { access(path.systemName, F_OK) == 0 }

    /// Whether there is something at a path that is no folder, links followed.
    package static func isFile(_ path: String) -> Bool { exists(path) && !isFolder(path) }

    /// The path from the root on without links in the part of it that exists.
    package static func resolved(_ path: String) -> String {
        var existing = URL(fileURLWithPath: path).standardizedFileURL.path, rest: [String] = []
        while true {
            if let resolved = realpath(existing.systemName, nil) {
                defer { free(resolved) }
                let start = String(nameBytes: Array(UnsafeRawBufferPointer(start: resolved, count: strlen(resolved))))
                return rest.reduce(start) { ($0 == "/" ? "" : $0) + "/\($1)" }
            }
            guard existing.parentPath != existing else { return path }
            rest.insert(existing.lastComponent, at: 0)
            existing = existing.parentPath
        }
    }

    /// Removes a file, or a folder with all that is in it; links are not followed.
    package static func remove(_ path: String) throws(FileError) {
        var information = stat()
        guard lstat(path.systemName, &information) == 0 else { return }
        if information.st_mode & S_IFMT == S_IFDIR {
            for name in try names(in: path) { try remove("\(path)/\(name)") }
            guard rmdir(path.systemName) == 0 else { throw FileError(path: path, action: "remove") }
        } else {
            guard unlink(path.systemName) == 0 else { throw FileError(path: path, action: "remove") }
        }
    }

    /// Makes a folder and those above it where they are missing. Their names are on the disk by then: what is written
    /// below them survives a loss of power only if they do.
    package static func make(_ path: String) throws(FileError) {
        guard identity(path) == nil else { return }
        let parent = path.parentPath
        var problem = attempt(path)
        if let missing = problem, missing.number == ENOENT {
            guard parent != path else { throw missing }
            try make(parent)
            problem = attempt(path)
        }
        if let problem {
            // Another process may have been faster.
            guard problem.number == EEXIST, identity(path) != nil else { throw problem }
        }
        do throws(FileError) {
            try AtomicFile.synchronize(parent)
        } catch {
            // One that may be written to and not be read stays as it is.
            guard error.number == EACCES else { throw error }
        }
    }

    /// Makes a folder in one that is there; returns what was in the way.
    private static func attempt(_ path: String) -> FileError? {
        mkdir(path.systemName, 0o777) == 0 ? nil : FileError(path: path, action: "create")
    }
}
