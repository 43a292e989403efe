import ApusFiles
import Foundation

/// The log of a run: one JSON object per line, each on its way to the disk before the next.
///
/// Beside it, the same lines are kept for other programs: as a table in the file that ends with `.csv` instead, and as
/// an event file of TensorBoard in the same folder. A killed process leaves at most a half-written last line; opening
/// the log removes it, and the other files are made anew from what is left.
public final class RunLog {
    /// One value of a line.
    public enum Value: Sendable, Hashable {
        /// A whole number.
        case integer(Int)
        /// JSON has no numbers beyond the finite ones: the others are written as "NaN", "Infinity" and "-Infinity".
        case number(Double)
        /// A text.
        case text(String)
        /// `true` or `false`.
        case flag(Bool)
        /// Several values.
        case list([Value])
        /// Nothing.
        case null
    }

    /// The file.
    public let path: String
    private var descriptor: Int32
    private var table: RunTable
    private var events: EventFile

    /// Opens the log at `path` to go on after its last whole line, or creates it.
    public init(path: String) throws(FileError) {
        self.path = path
        let url = URL(fileURLWithPath: path)
        table = RunTable(path: url.deletingPathExtension().path + ".csv")
        events = EventFile(folder: url.deletingLastPathComponent().path)
        try Self.removeLines(of: path, after: .max)
        descriptor = try Self.open(path)
        try rewriteOthers()
    }

    deinit { close(descriptor) }

    /// Writes one line with the fields in the given order. Throws when the system takes only a part of it.
    public func append(_ fields: [(String, Value)]) throws(FileError) {
        let members = fields.map { name, value in JSONText.quoted(name) + ":" + value.json }
        let text = "{\(members.joined(separator: ","))}"
        try AtomicFile.Output(descriptor: descriptor, path: path).write(text + "\n")
        guard let line = LogLine(Data(text.utf8)) else { return }
        try table.append(line) { () throws(FileError) in try Self.lines(of: path) }
        try events.append(line)
    }

    /// Brings all lines to the disk. A checkpoint waits for those before it: after a loss of power, nobody would write
    /// them again.
    public func synchronize() throws(FileError) {
        // What cannot be brought there, such as a pipe, says EINVAL.
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw FileError(path: path, action: "write") }
        // What is made of the lines can be made again, but nobody would do so for a run that has finished.
        for path in [table.path, events.path] { try? AtomicFile.synchronize(path) }
    }

    /// Drops the lines whose "step" is greater than that of the checkpoint a run goes on from; it will
    /// write them again. The old log stays if that fails.
    public func truncate(after step: Int) throws(FileError) {
        try Self.removeLines(of: path, after: step)
        close(descriptor)  // the name now belongs to the shortened file
        descriptor = -1
        descriptor = try Self.open(path)
        try rewriteOthers()
    }

    private func rewriteOthers() throws(FileError) {
        let lines = try Self.lines(of: path)
        try table.rewrite(lines)
        try events.rewrite(lines)
    }

    private static func open(_ path: String) throws(FileError) -> Int32 {
        let descriptor = Foundation.open(path.systemName, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw FileError(path: path, action: "open") }
        return descriptor
    }

    /// Keeps the lines up to `step` and those without a step; what is no JSON object was torn by a crash.
    private static func removeLines(of path: String, after step: Int) throws(FileError) {
        guard access(path.systemName, F_OK) == 0 else { return }
        let whole = try MappedFile(contentsOf: path).withBytes { Data($0) }
        let ended = whole.prefix(upTo: whole.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0)
        var kept = Data()
        for text in ended.split(separator: UInt8(ascii: "\n")) {
            guard let line = LogLine(text) else { continue }
            if let lineStep = line["step"]?.integer, lineStep > step { continue }
            kept += text + [UInt8(ascii: "\n")]
        }
        guard kept != whole else { return }
        try AtomicFile.write(to: path) { (output) throws(FileError) in try output.write(Array(kept)) }
    }

    private static func lines(of path: String) throws(FileError) -> [LogLine] {
        let whole = try MappedFile(contentsOf: path).withBytes { Data($0) }
        return whole.split(separator: UInt8(ascii: "\n")).compactMap { LogLine($0) }
    }
}
