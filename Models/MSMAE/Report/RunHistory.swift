import Apus
import ApusReport
import Foundation

/// What a run has logged, by epoch.
public struct RunHistory: Hashable, Sendable {
    /// The numbers of one line.
    public struct Entry: Hashable, Sendable {
        /// Counted from 0.
        public let epoch: Int
        /// Which path was validated: `all` or `masked`; nil for training.
        public let path: String?
        public let values: [String: Double]
    }

    public private(set) var task: String?
    public private(set) var classes: Int?
    public private(set) var classNames: [String] = []
    /// Images of training.
    public private(set) var images: Int?
    /// Numbers in trainable weights.
    public private(set) var weights: Int?
    public private(set) var epochs: [Entry] = []
    public private(set) var validations: [Entry] = []

    init() {}

    /// Reads a log of JSON lines; a last line without its end was torn by a crash and is left out.
    init(contentsOf path: String) throws(RunRecordError) {
        guard let text = try? TextFile.read(path) else { throw .unreadable(path: path) }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        for (number, line) in lines.enumerated() where !line.isEmpty {
            guard let fields = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else {
                throw .broken(path: path, line: number + 1, reason: "it is no JSON object")
            }
            add(fields)
        }
    }

    private mutating func add(_ fields: [String: Any]) {
        switch fields["event"] as? String {
        case "start":
            task = fields["task"] as? String ?? task
            classes = fields["classes"] as? Int ?? classes
            classNames = fields["class_names"] as? [String] ?? classNames
            images = fields["images"] as? Int ?? images
            weights = fields["weights"] as? Int ?? weights
        case "epoch": Self.add(fields, to: &epochs)
        case "validation": Self.add(fields, to: &validations)
        default: break
        }
    }

    /// Adds a line; one of the same epoch and path that a resumed run wrote again takes the place of the earlier.
    private static func add(_ fields: [String: Any], to entries: inout [Entry]) {
        guard let epoch = fields["epoch"] as? Int else { return }
        let entry = Entry(epoch: epoch, path: fields["path"] as? String, values: fields.compactMapValues(number))
        entries.removeAll { $0.epoch == entry.epoch && $0.path == entry.path }
        entries.append(entry)
    }

    /// A number of a log, which writes those that are not finite as texts.
    private static func number(_ value: Any) -> Double? {
        if let number = value as? Double { return number }
        let names: [String: Double] = ["NaN": .nan, "Infinity": .infinity, "-Infinity": -.infinity]
        return (value as? String).flatMap { names[$0] }
    }

    /// One metric over the epochs; of training if `path` is nil.
    func points(_ metric: String, path: String?) -> [Point] {
        let entries = path.map { path in validations.filter { $0.path ?? "all" == path } } ?? epochs
        return entries.sorted { $0.epoch < $1.epoch }.compactMap { entry in
            entry.values[metric].map { Point(Double(entry.epoch), $0) }
        }
    }
}
