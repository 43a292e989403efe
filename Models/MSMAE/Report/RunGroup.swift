import Apus
import Foundation

/// Runs that differ in nothing but their seed; most often there is only one.
public struct RunGroup: Sendable {
    /// What tells it from the other groups of a report: the end of its path.
    public let name: String
    public let path: String
    /// In the order of their seeds.
    public let records: [RunRecord]

    /// The run whose predictions and pictures are shown: the one of the lowest seed, whatever its results are.
    public var first: RunRecord { records[0] }
    public var kind: RunKind { first.kind }

    /// Reads folders of runs, and folders that hold `seed-0`, `seed-1`, … of one run each.
    ///
    /// Throws ``RunRecordError/noRun(path:)`` for the first that is neither.
    public static func read(_ paths: [String]) throws(RunRecordError) -> [RunGroup] {
        let names = distinctNames(paths)
        var groups: [RunGroup] = []
        for (path, name) in zip(paths, names) {
            var records: [RunRecord] = []
            for folder in folders(path) { records.append(try RunRecord(path: folder)) }
            groups.append(RunGroup(name: name, path: path, records: records))
        }
        return groups
    }

    /// The folders of a run: itself, or those of its seeds.
    private static func folders(_ path: String) -> [String] {
        guard !RunRecord.isRun(path) else { return [path] }
        let names = (try? Folders.names(in: path)) ?? []
        let seeds = names.compactMap { name -> (seed: Int, path: String)? in
            guard name.hasPrefix("seed-"), let seed = Int(name.dropFirst("seed-".count)),
                RunRecord.isRun("\(path)/\(name)")
            else { return nil }
            return (seed, "\(path)/\(name)")
        }
        return seeds.isEmpty ? [path] : seeds.sorted { $0.seed < $1.seed }.map(\.path)
    }

    /// For each path as many of its last parts as tell it from the others; a number where nothing does.
    static func distinctNames(_ paths: [String]) -> [String] {
        let parts = paths.map { URL(fileURLWithPath: $0).standardizedFileURL.pathComponents.filter { $0 != "/" } }
        func name(_ index: Int, _ length: Int) -> String { parts[index].suffix(length).joined(separator: "/") }
        return paths.indices.map { index in
            let length = (1...max(parts[index].count, 1)).first { length in
                !paths.indices.contains { $0 != index && name($0, length) == name(index, length) }
            }
            return length.map { name(index, $0) } ?? "\(name(index, 1)) (\(index + 1))"
        }
    }

    /// The mean of a number over the runs that have it, and its deviation.
    func spread(_ value: (RunRecord) -> Double?) -> SeedSummary.Spread? {
        let values = records.compactMap(value)
        return values.isEmpty ? nil : SeedSummary.Spread(of: values)
    }
}
