import ApusFiles
import Foundation

/// The folder of one training run: `config.json`, `log.jsonl` and `checkpoints/step-000001200.safetensors`.
///
/// A checkpoint that cannot be read is never passed over in silence: a run that went on from an older one
/// would repeat epochs without anyone asking for it. `latestCheckpoint()` reports it with the newest
/// whole one, and the user chooses.
public struct RunFolder: Sendable {
    /// A saved state and the training step after which it was saved.
    public struct Checkpoint: Sendable, Hashable {
        /// The number of updates that the state has seen.
        public let step: Int
        /// The safetensors file.
        public let path: String
    }

    /// The folder.
    public let path: String

    /// Creates the folder, and those above it, where they are missing.
    public init(creating path: String) throws(FileError) {
        self.path = path
        try Folders.make(path)
        try Folders.make(checkpointsPath)
    }

    /// Opens a folder that exists. Throws when there is none at `path`.
    public init(opening path: String) throws(FileError) {
        var status = stat()
        guard stat(path.systemName, &status) == 0 else { throw FileError(path: path, action: "open") }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw FileError(path: path, action: "open", number: ENOTDIR) }
        self.path = path
    }

    /// Where the run's settings are kept.
    public var configPath: String { path + "/config.json" }
    /// Where the run's `RunLog` is kept.
    public var logPath: String { path + "/log.jsonl" }
    /// Where the weights that did best in validation are kept, of runs that have one.
    public var bestPath: String { path + "/best.safetensors" }
    /// Where it is kept who computes which matmul, of runs in which measurements decide.
    public var answersPath: String { path + "/products.json" }
    /// The folder of the run's checkpoints.
    public var checkpointsPath: String { path + "/checkpoints" }

    /// Where the checkpoint of a step, counted from 0, is kept.
    public func checkpointPath(step: Int) -> String {
        let digits = String(step)
        let zeros = String(repeating: "0", count: max(0, 9 - digits.count))
        return "\(checkpointsPath)/step-\(zeros)\(digits).safetensors"
    }

    /// All checkpoints of the run, the oldest first, whole or not. Throws when the folder cannot be read.
    public func checkpoints() throws(FileError) -> [Checkpoint] {
        try Self.names(in: checkpointsPath).compactMap { name in
            guard name.hasPrefix("step-"), name.hasSuffix(".safetensors"),
                let step = Int(name.dropFirst("step-".count).dropLast(".safetensors".count))
            else { return nil }
            return Checkpoint(step: step, path: "\(checkpointsPath)/\(name)")
        }.sorted { $0.step < $1.step }
    }

    /// The newest checkpoint, or nil for a run that has none yet.
    /// - Throws: `.file` when the folder cannot be read, `.brokenCheckpoint` when the newest one is not whole.
    public func latestCheckpoint() throws(RunFolderError) -> Checkpoint? {
        let all: [Checkpoint]
        do { all = try checkpoints() } catch { throw .file(error) }
        guard let latest = all.last else { return nil }
        do {
            _ = try SafetensorsFile(contentsOf: latest.path)
        } catch {
            throw .brokenCheckpoint(error, previous: all.dropLast().last(where: Self.isWhole)?.path)
        }
        return latest
    }

    /// Saves the checkpoint of a step, then removes all but the newest `kept`.
    /// - Throws: `SafetensorsError` when it cannot be saved, and earlier ones all stay; `FileError` when an
    ///   old one cannot be removed.
    public func saveCheckpoint(
        step: Int, metadata: [String: String], tensors: [SafetensorsWriter.Tensor], keeping kept: Int = 2
    ) throws {
        try SafetensorsWriter.write(to: checkpointPath(step: step), metadata: metadata, tensors: tensors)
        try removeOldCheckpoints(keeping: kept)
    }

    /// Removes all but the newest `kept` checkpoints (at least one), and what killed processes left half
    /// written. When none of those kept is whole, the newest whole one before them stays too.
    public func removeOldCheckpoints(keeping kept: Int = 2) throws(FileError) {
        let all = try checkpoints()
        let recent = all.suffix(max(1, kept))
        var old = all.dropLast(recent.count)
        if !recent.reversed().contains(where: Self.isWhole), let spare = old.lastIndex(where: Self.isWhole) {
            old.remove(at: spare)
        }
        var abandoned: [String] = []
        for folder in [checkpointsPath, path] {
            abandoned += try Self.names(in: folder).filter {
                $0.hasPrefix(".") && $0.hasSuffix(AtomicFile.temporarySuffix)
            }
            .map { "\(folder)/\($0)" }
        }
        for path in old.map(\.path) + abandoned {
            guard unlink(path.systemName) == 0 || errno == ENOENT else { throw FileError(path: path, action: "remove") }
        }
    }

    /// The names of all files in a folder, none when it is missing.
    private static func names(in folder: String) throws(FileError) -> [String] {
        do throws(FileError) {
            return try Folders.names(in: folder)
        } catch {
            if error.number == ENOENT { return [] }
            throw error
        }
    }

    private static func isWhole(_ checkpoint: Checkpoint) -> Bool {
        (try? SafetensorsFile(contentsOf: checkpoint.path)) != nil
    }
}

/// Why a run cannot go on from its folder.
public enum RunFolderError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The folder of checkpoints cannot be read.
    case file(FileError)
    /// The newest checkpoint is broken; `previous` is the path of the newest whole one, if any.
    case brokenCheckpoint(SafetensorsError, previous: String?)

    public var description: String {
        switch self {
        case .file(let error): error.description
        case .brokenCheckpoint(let error, let previous?):
            "\(error). The checkpoint is broken; remove it to go on from \(previous)."
        case .brokenCheckpoint(let error, previous: nil):
            "\(error). The checkpoint is broken, and there is no earlier one; remove it to start again."
        }
    }
}
