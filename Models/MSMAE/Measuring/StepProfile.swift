import Apus
import Foundation

/// Where the time of a program goes: its steps, those of one name taken together.
public struct StepProfile: Sendable {
    private struct Entry {
        var calls = 0
        var seconds = 0.0
        var operations = 0
        var bytes = 0
    }
    private let runs: Int
    private var entries: [String: Entry] = [:]

    /// A profile of that many runs.
    init(runs: Int) { self.runs = runs }

    mutating func add(_ step: Step, _ seconds: Double) {
        var entry = entries[step.name] ?? Entry()
        entry.calls += 1
        entry.seconds += seconds
        entry.operations += step.floatingPointOperations
        entry.bytes += step.bytes
        entries[step.name] = entry
    }

    /// A line for each name, those that take longest first: calls and milliseconds of one run, share, speed of arithmetic and of memory.
    public var table: String {
        let total = max(entries.values.reduce(0) { $0 + $1.seconds }, .leastNormalMagnitude)
        func columns(_ values: [String], _ name: String) -> String {
            values.map { String(repeating: " ", count: max(0, 9 - $0.count)) + $0 }.joined(separator: " ") + "  " + name
        }
        let rows = entries.sorted { ($0.value.seconds, $1.key) > ($1.value.seconds, $0.key) }.map { name, entry in
            func speed(_ amount: Int) -> String { amount == 0 ? "-" : String(format: "%.1f", Double(amount) / max(entry.seconds, 1e-9) / 1e9) }
            return columns(
                [
                    "\(entry.calls / runs)", String(format: "%.3f", entry.seconds / Double(runs) * 1e3),
                    String(format: "%.1f %%", entry.seconds / total * 100), speed(entry.operations), speed(entry.bytes),
                ], name)
        }
        return ([columns(["calls", "ms", "share", "GFLOP/s", "GB/s"], "step")] + rows).joined(separator: "\n")
    }
}
