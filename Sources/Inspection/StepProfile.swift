import Apus
import Foundation

/// Where the time of a program goes: its steps, those of one name taken together.
public struct StepProfile: Sendable {
    private struct Entry {
        var calls = 0
        var seconds = 0.0
        var operations = 0
        var bytes = 0

        static func += (a: inout Entry, b: Entry) {
            a.calls += b.calls
            a.seconds += b.seconds
            a.operations += b.operations
            a.bytes += b.bytes
        }
    }
    /// A step's name, and the layer that declared what it computes.
    private struct Key: Hashable { var name: String, path: String }
    /// What speeds are compared with.
    public let peak: MachinePeak
    private let runs: Int
    private let precision: CompilerOptions.Precision
    private var entries: [Key: Entry] = [:]

    /// A profile of that many runs.
    private init(runs: Int, peak: MachinePeak, precision: CompilerOptions.Precision) {
        (self.runs, self.peak, self.precision) = (runs, peak, precision)
    }

    /// Runs a program some times and observes it: where the time goes on average, and when what took place in the last
    /// run. `run` runs it once, and hands its argument on as observer.
    public static func observed(
        _ compiled: CompiledStep, by compiler: Compiler, runs: Int, run: (@escaping (StepRun) -> Void) throws -> Void
    ) throws -> (profile: StepProfile, trace: StepTrace) {
        var profile = StepProfile(runs: runs, peak: try compiler.measurePeak(), precision: compiler.options.precision)
        var last: [StepRun] = []
        for _ in 0..<runs {
            last = []
            try run { last.append($0) }
            for run in last { profile.add(run) }
        }
        return (profile, StepTrace(last, name: compiled.program.name))
    }

    private mutating func add(_ run: StepRun) {
        entries[Key(name: run.step.name, path: run.step.path), default: Entry()] += Entry(
            calls: 1, seconds: run.seconds, operations: run.step.floatingPointOperations, bytes: run.step.bytes)
    }

    /// A line for each name of steps, those that take longest first: calls, time, arithmetic and traffic of one run,
    /// speeds, and the share of the machine's peak.
    public var table: String {
        var named: [String: Entry] = [:]
        for (key, entry) in entries { named[key.name, default: Entry()] += entry }
        return table(named, of: "step")
    }

    /// The same for each layer, with what its steps are; layers that differ in one number are taken together.
    public var layers: String {
        let keys = entries.keys.sorted { ($0.path, $0.name) < ($1.path, $1.name) }
        var layers: [String: Entry] = [:]
        for group in LayerPaths(keys.map(\.path)).groups {
            let name = group.text.isEmpty ? "(outside of layers)" : group.text
            for member in group.members { layers[name, default: Entry()] += entries[keys[member]] ?? Entry() }
        }
        return table(layers, of: "layer")
    }

    private func table(_ entries: [String: Entry], of kind: String) -> String {
        let total = entries.values.reduce(0) { $0 + $1.seconds }
        func number(_ value: Double, _ digits: Int) -> String {
            value == 0 ? "-" : String(format: "%.\(digits)f", value)
        }
        func percent(_ share: Double) -> String { String(format: "%.1f %%", share * 100) }
        func columns(_ values: [String], _ name: String) -> String {
            values.map { String(repeating: " ", count: max(0, 9 - $0.count)) + $0 }.joined(separator: " ") + "  " + name
        }
        let rows = entries.sorted { ($0.value.seconds, $1.key) > ($1.value.seconds, $0.key) }.map { name, entry in
            let seconds = max(entry.seconds, 1e-9), perRun = 1 / Double(runs)
            let (operations, bytes) = (Double(entry.operations) / 1e9, Double(entry.bytes) / 1e9)
            return columns(
                [
                    "\(entry.calls / runs)", number(entry.seconds * perRun * 1e3, 3),
                    percent(seconds / max(total, seconds)),
                    number(operations * perRun, 3), number(bytes * perRun, 3), number(operations / seconds, 1),
                    number(bytes / seconds, 1),
                    percent(peak.share(operations: entry.operations, bytes: entry.bytes, seconds: seconds, precision)),
                ], name)
        }
        return ([columns(["calls", "ms", "share", "GFLOP", "GB", "GFLOP/s", "GB/s", "of peak"], kind)] + rows).joined(
            separator: "\n")
    }
}
