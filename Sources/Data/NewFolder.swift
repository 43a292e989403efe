import ApusFiles
import Foundation

/// Makes folders of many files that are complete under their name or not there at all.
enum NewFolder {
    /// Makes the folder at `out` of what `fill` writes into another one: `.NAME.partial` beside it, or `.partial` in a
    /// folder that is there and empty, which may be a file system of its own.
    ///
    /// That one goes when anything fails. What a killed process has left of it goes first; one that another process
    /// is at is left alone. Throws `folderNotEmpty` if there is something at `out`, `folderInUse`, `fileUnwritable`, or
    /// what `fill` throws.
    static func make(_ out: String, _ fill: (_ folder: String) throws(DataError) -> Void) throws(DataError) {
        try requireFree(out)
        let target = URL(fileURLWithPath: out).standardizedFileURL, parent = target.deletingLastPathComponent().path
        let isThere = FileAccess.isFolder(out)
        let partial = isThere ? "\(target.path)/\(inside)" : "\(parent)/.\(target.lastPathComponent).partial"
        try FileAccess.createFolder(parent)
        let lock: FolderLock
        do throws(FolderLockError) {
            lock = try FolderLock(creating: partial)
        } catch {
            switch error {
            case .held(_, let owner):
                throw DataError(
                    .folderInUse, "\(owner?.description ?? "another process") is making this folder", path: out,
                    advice: "Wait until it ends, or choose another folder.")
            case .file(let error): throw FileAccess.unwritable(out, reason: error.number)
            }
        }
        do throws(DataError) {
            try requireFree(out)
            try removeContent(of: partial)
            try fill(partial)
            if isThere {
                for name in try content(of: partial) { try move("\(partial)/\(name)", to: "\(target.path)/\(name)") }
            } else {
                try move(partial, to: target.path)
            }
        } catch {
            try? Folders.remove(partial)
            lock.release()
            throw error
        }
        lock.release(movedTo: isThere ? partial : target.path)
        if isThere { rmdir(partial.systemName) }
    }

    /// The name of what is not complete yet in a folder that was there.
    private static let inside = ".partial"

    private static func move(_ path: String, to target: String) throws(DataError) {
        guard rename(path.systemName, target.systemName) == 0 else { throw FileAccess.unwritable(target) }
    }

    /// Throws `folderNotEmpty` unless nothing or an empty folder is at `out`.
    static func requireFree(_ out: String) throws(DataError) {
        var information = stat()
        guard lstat(out.systemName, &information) == 0 else { return }
        if FileAccess.isFolder(out), try content(of: out).allSatisfy({ $0 == inside }) { return }
        throw DataError(
            .folderNotEmpty, "there is something already", path: out,
            advice: "Choose a new folder, or empty this one; nothing is ever overwritten.")
    }

    /// Removes what a killed process has left in a folder, but for its lock.
    private static func removeContent(of folder: String) throws(DataError) {
        for name in try content(of: folder) {
            do {
                try Folders.remove("\(folder)/\(name)")
            } catch {
                throw DataError(
                    .fileUnwritable, "what a stopped call has left cannot be removed", path: "\(folder)/\(name)",
                    advice: "Remove \(folder) yourself.")
            }
        }
    }

    /// The names in a folder, but for its lock.
    private static func content(of folder: String) throws(DataError) -> [String] {
        do {
            return try Folders.names(in: folder).filter { $0 != FolderLock.fileName }
        } catch {
            throw DataError(
                .fileUnreadable, "the folder cannot be listed", path: folder,
                advice: "Check that it may be read, or choose another one.")
        }
    }
}

extension DataError {
    /// Somebody asked to stop before a folder was complete.
    static func interrupted(_ out: String) -> DataError {
        DataError(
            .interrupted, "stopped before it was complete", path: out,
            advice: "Nothing of it is left; the same call begins anew.")
    }
}
