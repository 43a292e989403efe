import Apus
import Foundation

/// A run, finished or not, as its folder tells of it.
public struct RunRecord: Sendable {
    /// The folder, as it was given.
    public let path: String
    public let kind: RunKind
    /// What `config.json` says.
    public let settings: [String: SettingValue]
    public let history: RunHistory
    /// What `evaluation.json` says, if the run has come that far.
    public let evaluation: EvaluationReport?
    /// The same of a segmentation.
    public let segmentation: SegmentationReport?
    /// The predictions from all tokens and from the kept ones.
    public let predictions: Predictions?, maskedPredictions: Predictions?
    public let features: RecordedFeatures?
    /// The newest checkpoint.
    public let checkpoint: String?
    /// Files that are there and cannot be used.
    public let problems: [RunRecordError]

    /// Reads a run's folder. A file that is broken counts as missing, and is one of the ``problems``.
    ///
    /// Throws if there is no run: neither `config.json` nor `log.jsonl`.
    public init(path: String) throws(RunRecordError) {
        guard Self.isRun(path) else { throw .noRun(path: path) }
        self.path = path
        var reader = Reader(path: path)
        settings = reader.read("config.json", Self.settings) ?? [:]
        history = reader.read("log.jsonl", RunHistory.init) ?? RunHistory()
        kind = history.task.flatMap(RunKind.init) ?? .pretrain
        evaluation = kind == .segment ? nil : reader.read("evaluation.json", EvaluationReport.read)
        segmentation = kind == .segment ? reader.read("evaluation.json", SegmentationReport.read) : nil
        predictions = reader.read("predictions-all.csv", Predictions.init)
        maskedPredictions = reader.read("predictions-masked.csv", Predictions.init)
        features = reader.read("features.safetensors", RecordedFeatures.init)
        checkpoint = reader.read("checkpoints", Self.checkpoint) ?? nil
        problems = reader.problems
    }

    /// Reads the files of a folder that are there, and keeps what is wrong with them.
    private struct Reader {
        let path: String
        var problems: [RunRecordError] = []

        mutating func read<Value>(_ name: String, _ body: (String) throws(RunRecordError) -> Value) -> Value? {
            let file = "\(path)/\(name)"
            guard Folders.exists(file) else { return nil }
            do throws(RunRecordError) {
                return try body(file)
            } catch {
                problems.append(error)
                return nil
            }
        }
    }

    /// The newest checkpoint of a folder of them.
    private static func checkpoint(_ path: String) throws(RunRecordError) -> String? {
        do {
            return try RunFolder(opening: URL(fileURLWithPath: path).deletingLastPathComponent().path)
                .latestCheckpoint()?.path
        } catch {
            throw .broken(path: path, line: nil, reason: "\(error)")
        }
    }

    /// Whether a folder is that of a run.
    static func isRun(_ path: String) -> Bool {
        ["config.json", "log.jsonl"].contains { Folders.exists("\(path)/\($0)") }
    }

    /// Names of the classes, in the order of the labels; numbers where nothing names them.
    public var classes: [String] {
        if let evaluation { return evaluation.classes }
        if !history.classNames.isEmpty { return history.classNames }
        let count = predictions?.classes ?? history.classes ?? (features?.labels.max()).map { $0 + 1 } ?? 0
        return (0..<count).map { "class \($0)" }
    }

    private static func settings(_ path: String) throws(RunRecordError) -> [String: SettingValue] {
        do {
            return try JSONDecoder().decode(
                [String: SettingValue].self, from: MappedFile(contentsOf: path).withBytes { Data($0) })
        } catch {
            throw .broken(path: path, line: nil, reason: "it is no JSON object of settings")
        }
    }
}

/// What a run's folder lacks, or holds and cannot be used.
public enum RunRecordError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A report of nothing.
    case noRuns
    /// The folder is none of a run.
    case noRun(path: String)
    case unreadable(path: String)
    /// A file that is not what its name says.
    case broken(path: String, line: Int?, reason: String)

    public var description: String {
        switch self {
        case .noRuns: "a report is of one run or more: name their folders"
        case .noRun(let path):
            "\(path): not the folder of a run: it holds neither config.json nor log.jsonl, nor folders seed-0, seed-1, … of runs"
        case .unreadable(let path): "\(path): cannot be read as text; check that the file may be read"
        case .broken(let path, let line, let reason): path + (line.map { ":\($0)" } ?? "") + ": \(reason)"
        }
    }
}
