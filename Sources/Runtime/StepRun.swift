import Foundation

/// One run of one step of a program: when it took place, and what each thread did. Times are nanoseconds of the
/// system's uptime.
public struct StepRun: Sendable {
    /// What a thread did for the step, from its first tile to its last.
    public struct Work: Hashable, Sendable {
        /// Number of the thread; the caller is 0.
        public var worker: Int
        /// From the beginning of its first tile to the end of its last, in nanoseconds.
        public var time: Range<UInt64>
        /// Tiles that it computed.
        public var tiles: Int
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
    private let entries: UnsafeMutableBufferPointer<StepRun.Work?>

    init(threads: Int) {
        entries = .allocate(capacity: threads)
        entries.initialize(repeating: nil)
    }

    deinit {
        entries.deinitialize()
        entries.deallocate()
    }

    func add(_ tiles: Int, of worker: Int, from begin: UInt64) {
        let end = StepRun.now()
        let earlier = entries[worker]
        entries[worker] = StepRun.Work(
            worker: worker, time: (earlier?.time.lowerBound ?? begin)..<end, tiles: (earlier?.tiles ?? 0) + tiles)
    }

    /// What was noted since the last call; no thread may be working.
    func take() -> [StepRun.Work] {
        defer { entries.update(repeating: nil) }
        return entries.compactMap { $0 }
    }
}
