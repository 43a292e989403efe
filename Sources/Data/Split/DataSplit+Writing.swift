import ApusFiles
import Foundation

extension DataSplit {
    /// How the files of a split come into its folder.
    public enum Transfer: Sendable {
        /// Symbolic links to where the files are.
        case link
        /// Files of their own.
        case copy
    }

    /// Writes `OUT/PART/...` in the layout of the source, and `OUT/split.json`, which says how it was made.
    ///
    /// Everything is made beside `OUT` first, and takes its name at once: a half-made split never has it. Throws
    /// `folderNotEmpty` if there is something already, `folderInUse` if another process makes it, `invalidArgument` if
    /// `OUT` lies in a folder that is split, `interrupted`, `fileUnreadable` or `fileUnwritable`.
    public func write(to out: String, by transfer: Transfer, shouldStop: () -> Bool = { false }) throws(DataError) {
        try checkTarget(out)
        try NewFolder.make(out) { (folder) throws(DataError) in
            try fill(folder, by: transfer) { () throws(DataError) in
                if shouldStop() { throw .interrupted(out) }
            }
        }
    }

    /// Throws unless a split can be written to `out`: nothing or an empty folder is there, and it lies outside of what
    /// is split.
    public func checkTarget(_ out: String) throws(DataError) {
        let parent = Folders.resolved(URL(fileURLWithPath: out).standardizedFileURL.path.parentPath)
        for folder in folders where (parent + "/").utf8.starts(with: (Folders.resolved(folder) + "/").utf8) {
            throw DataError(
                .invalidArgument, "the folder lies in \(folder), which is split", path: out,
                advice: "Choose a folder outside, or the parts would look like classes.")
        }
        try NewFolder.requireFree(out)
    }

    private func fill(_ folder: String, by transfer: Transfer, goOn: () throws(DataError) -> Void) throws(DataError) {
        var made = Set<ExactText>()
        for (item, part) in zip(items, partOfItem) {
            try goOn()
            for file in item.files {
                let target = "\(folder)/\(parts[part].name)/\(file.target)"
                let parent = target.parentPath
                if made.insert(ExactText(parent)).inserted { try FileAccess.createFolder(parent) }
                switch transfer {
                case .link:
                    let source = URL(fileURLWithPath: file.source).standardizedFileURL.path
                    guard symlink(source.systemName, target.systemName) == 0 else {
                        throw FileAccess.unwritable(target)
                    }
                case .copy:
                    try FileAccess.write(try FileAccess.read(file.source), to: target)
                }
            }
        }
        try FileAccess.write(Array(record.utf8), to: "\(folder)/split.json")
    }

    /// How the split was made, as JSON.
    private var record: String {
        let parts = parts.enumerated().map { number, part in
            JSONValue.object([
                (
                    "images",
                    .object(classes.indices.map { (classes[$0], .integer(UInt64(count(class: $0, part: number)))) })
                ),
                ("name", .text(part.name)), ("share", .number(part.share)),
            ])
        }
        return JSONValue.object([
            ("keepsPatientsTogether", .flag(keepsPatients)), ("parts", .list(parts)), ("seed", .integer(seed)),
        ]).pretty + "\n"
    }
}
