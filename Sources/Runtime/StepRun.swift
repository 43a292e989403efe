import Foundation

/// One run of one step of a program: when it took place, and what each thread did. Times are nanoseconds of the
/// system's uptime.
public struct StepRun: Sendable {
    /// Tiles that a thread took at a time.
    public struct Piece: Hashable, Sendable {
        /// Numbers of the tiles.
        public var tiles: Range<Int>
        /// From when to when they were computed, in nanoseconds.
        public var time: Range<UInt64>

        /// How long that took.
        public var seconds: Double { Double(time.count) * 1e-9 }
    }
    /// What a thread did for the step.
    public struct Work: Hashable, Sendable {
        /// Number of the thread; the caller is 0.
        public var worker: Int
        /// The pieces that it computed, in order; at least one.
        public var pieces: [Piece]

        /// From the beginning of its first tile to the end of its last, in nanoseconds.
        public var time: Range<UInt64> {
            (pieces.first?.time.lowerBound ?? 0)..<(pieces.last?.time.upperBound ?? 0)
        }
        /// How many tiles it computed.
        public var tiles: Int { pieces.reduce(0) { $0 + $1.tiles.count } }
    }
    /// Place of the step in its program.
    public var number: Int
    /// The step.
    public var step: Step
    /// From when to when it ran, in nanoseconds.
    public var time: Range<UInt64>
    /// By number of thread; those that did nothing are not there.
    public var work: [Work]

    /// How long it took.
    public var seconds: Double { Double(time.count) * 1e-9 }

    static func now() -> UInt64 { DispatchTime.now().uptimeNanoseconds }
}

/// Notes when each thread of a pool works. A thread writes its own entry only.
final class WorkRecorder: @unchecked Sendable {
    private let entries: UnsafeMutableBufferPointer<[StepRun.Piece]>

    init(threads: Int) {
        entries = .allocate(capacity: threads)
        entries.initialize(repeating: [])
    }

    deinit {
        entries.deinitialize()
        entries.deallocate()
    }

    func add(_ tiles: Range<Int>, of worker: Int, from begin: UInt64) {
        let end = StepRun.now()
        entries[worker].append(StepRun.Piece(tiles: tiles, time: begin..<end))
    }

    /// What was noted since the last call; no thread may be working.
    func take() -> [StepRun.Work] {
        defer { entries.update(repeating: []) }
        return entries.enumerated().filter { !$1.isEmpty }.map { StepRun.Work(worker: $0, pieces: $1) }
    }
}
