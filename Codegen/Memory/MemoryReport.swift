import ApusIR
import ApusRuntime
import ApusTransforms
import Foundation

/// Where the arena of a program goes: its buffers, when each is in use, and what it holds.
public struct MemoryReport: Sendable {
    /// A part of the arena that holds one value, or several that make up a whole.
    public struct Buffer: Sendable, Hashable {
        /// Number in the schedule, as `apus show --stage kernels` has it.
        public var number: Int
        /// Bytes that the values take.
        public var byteCount: Int
        /// Where in the arena it begins, in bytes.
        public var offset: Int
        /// The steps that it is in use from and to: inputs from -1, results to the number of steps.
        public var steps: ClosedRange<Int>
        /// The buffer whose place it takes over at its first step; nil if it has one of its own.
        public var takesOver: Int?
        /// Whether it takes memory beside that of the other buffers; at its first step, what it takes over still does.
        func takesMemory(at step: Int) -> Bool { steps.contains(step) && (takesOver == nil || step > steps.lowerBound) }
        /// What computes the value, and its type, such as `dot f32[16,50,768]`.
        public var content: String
        /// Path of the layer that it belongs to.
        public var path: String
    }
    /// By number.
    public let buffers: [Buffer]
    /// Bytes of the whole arena.
    public let arenaBytes: Int
    /// Where pages of the arena begin that nobody may touch, in tests of the code.
    package let guardPages: [Int]
    /// The step at which most bytes are in use, the first of them.
    public let peakStep: Int
    /// Bytes in use at that step; what the arena has beyond them lies between buffers.
    public let peakBytes: Int

    /// A report on buffers; when most bytes are in use follows from them.
    public init(buffers: [Buffer], arenaBytes: Int) {
        self.init(buffers: buffers, arenaBytes: arenaBytes, guardPages: [])
    }

    init(buffers: [Buffer], arenaBytes: Int, guardPages: [Int]) {
        self.guardPages = guardPages
        self.buffers = buffers
        self.arenaBytes = arenaBytes
        var changes: [Int: Int] = [:]
        for buffer in buffers {
            let bytes = Memory.aligned(buffer.byteCount)
            changes[buffer.steps.lowerBound + (buffer.takesOver == nil ? 0 : 1), default: 0] += bytes
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
        buffers.reduce(0) { $0 + ($1.takesMemory(at: step) ? Memory.aligned($1.byteCount) : 0) }
    }

    /// The arena and what most of it holds at its peak; buffers that layers of one kind have each are one line.
    public func text(lines count: Int = 24) -> String {
        func line(_ bytes: Int, _ atPeak: Int, _ text: String) -> String {
            String(format: "%9.1f MB %9.1f MB", Double(bytes) / 1e6, Double(atPeak) / 1e6) + "  " + text
        }
        let groups = groups.sorted {
            ($0.bytesAtPeak, $0.byteCount, $1.first, $1.text) > ($1.bytesAtPeak, $1.byteCount, $0.first, $0.text)
        }
        let header = [
            line(arenaBytes, peakBytes, "arena of \(buffers.count) buffers; its peak is at step \(peakStep)"),
            "      in all      at peak",
        ]
        let lines = groups.prefix(count).map { line($0.byteCount, $0.bytesAtPeak, $0.text) }
        let rest = groups.dropFirst(count)
        let other = line(
            rest.reduce(0) { $0 + $1.byteCount }, rest.reduce(0) { $0 + $1.bytesAtPeak },
            "\(rest.reduce(0) { $0 + $1.count }) other buffers")
        return (header + lines + (rest.isEmpty ? [] : [other])).joined(separator: "\n")
    }

    /// Buffers of the same kind and size in layers that differ in a number only.
    private struct Group {
        var text: String
        var count: Int
        var byteCount: Int
        var bytesAtPeak: Int
        /// The first step at which one is in use.
        var first: Int
    }

    private var groups: [Group] {
        struct Kind: Hashable { var content: String, byteCount: Int }
        return Dictionary(grouping: buffers) { Kind(content: $0.content, byteCount: $0.byteCount) }.flatMap {
            kind, alike in
            LayerPaths(alike.map(\.path)).groups.map { paths in
                let members = paths.members.map { alike[$0] }
                let first = members.map(\.steps.lowerBound).min() ?? 0,
                    last = members.map(\.steps.upperBound).max() ?? 0
                let longest = members.map(\.steps.count).max() ?? 0
                let lives =
                    members.count == 1
                    ? "steps \(first)…\(last)"
                    : "\(members.count) buffers, steps \(first)…\(last), each for \(longest) at most"
                return Group(
                    text: kind.content + (paths.text.isEmpty ? "" : " in \(paths.text)") + ": " + lives,
                    count: members.count,
                    byteCount: kind.byteCount * members.count,
                    bytesAtPeak: kind.byteCount * members.count { $0.takesMemory(at: peakStep) }, first: first)
            }
        }
    }
}

extension Schedule {
    /// What each buffer holds: the largest of its values, which the others are parts of.
    func contents() -> [Int: Value] {
        var holders: [Int: Value] = [:]
        for (value, storage) in layout.stored {
            if let other = holders[storage.buffer] {
                let (a, b) = (graph[value].type.byteCount, graph[other].type.byteCount)
                if a < b || (a == b && value > other) { continue }
            }
            holders[storage.buffer] = value
        }
        return holders
    }
}
