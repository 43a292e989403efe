import ApusIR
import ApusRuntime
import Foundation

/// Where the arena of a program goes: its buffers, when each is in use, and what it holds.
public struct MemoryReport: Sendable {
    /// A part of the arena that holds one value, or several that make up a whole.
    public struct Buffer: Sendable, Hashable {
        /// Number in the schedule, as `apus show --stage kernels` has it.
        public var number: Int
        public var byteCount: Int
        public var offset: Int
        /// The steps that it is in use from and to: inputs from -1, results to the number of steps.
        public var steps: ClosedRange<Int>
        /// What computes the value, its type, and the path of the layer.
        public var content: String
    }
    /// By number.
    public let buffers: [Buffer]
    public let arenaBytes: Int
    /// The step at which most bytes are in use, the first of them.
    public let peakStep: Int
    /// Bytes in use at that step; what the arena has beyond them lies between buffers.
    public let peakBytes: Int

    init(buffers: [Buffer], arenaBytes: Int) {
        self.buffers = buffers
        self.arenaBytes = arenaBytes
        var changes: [Int: Int] = [:]
        for buffer in buffers {
            let bytes = Memory.aligned(buffer.byteCount)
            changes[buffer.steps.lowerBound, default: 0] += bytes
            changes[buffer.steps.upperBound + 1, default: 0] -= bytes
        }
        var peak = (step: 0, bytes: 0), used = 0
        for (step, change) in changes.sorted(by: { $0.key < $1.key }) {
            used += change
            if used > peak.bytes { peak = (step, used) }
        }
        (peakStep, peakBytes) = peak
    }

    /// Bytes in use at a step.
    public func bytes(at step: Int) -> Int {
        buffers.reduce(0) { $0 + ($1.steps.contains(step) ? Memory.aligned($1.byteCount) : 0) }
    }

    /// The arena and its largest buffers; a star marks those in use at the peak.
    public func text(largest count: Int = 20) -> String {
        func line(_ bytes: Int, _ mark: String, _ text: String) -> String { String(format: "%9.1f MB ", Double(bytes) / 1e6) + mark + " " + text }
        func isAtPeak(_ buffer: Buffer) -> Bool { buffer.steps.contains(peakStep) }
        let ordered = buffers.sorted { ($0.byteCount, $1.number) > ($1.byteCount, $0.number) }
        var lines = [
            line(arenaBytes, " ", "arena of \(buffers.count) buffers"),
            line(peakBytes, "*", "in \(buffers.count(where: isAtPeak)) of them at the peak, step \(peakStep)"),
        ]
        lines += ordered.prefix(count).map { buffer in
            let steps = "steps \(buffer.steps.lowerBound)…\(buffer.steps.upperBound)"
            return line(buffer.byteCount, isAtPeak(buffer) ? "*" : " ", "\(steps): \(buffer.content)")
        }
        let rest = ordered.dropFirst(count)
        if !rest.isEmpty { lines.append(line(rest.reduce(0) { $0 + $1.byteCount }, " ", "in \(rest.count) smaller buffers")) }
        return lines.joined(separator: "\n")
    }
}

extension Schedule {
    /// What each buffer holds: the largest of its values, which the others are parts or views of.
    func contents() -> [Int: String] {
        var holders: [Int: Value] = [:]
        for (value, storage) in layout.storages {
            if let other = holders[storage.buffer] {
                let (a, b) = (graph[value].type.byteCount, graph[other].type.byteCount)
                if a < b || (a == b && value > other) { continue }
            }
            holders[storage.buffer] = value
        }
        return holders.mapValues { value in
            let node = graph[value]
            let path = node.location?.path ?? ""
            return "\(type(of: node.operation).name) \(node.type)" + (path.isEmpty ? "" : " in \(path)")
        }
    }
}
