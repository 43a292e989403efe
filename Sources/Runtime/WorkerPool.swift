import ApusSystem
import Foundation
import Synchronization

/// A fixed set of threads that divide the tiles of one kernel at a time.
///
/// Which thread takes which tile is left to chance; kernels write disjoint tiles, so results do not depend on it.
/// Between kernels of one program the threads wait busily for a moment, since the next one follows at once.
public final class WorkerPool: Sendable {
    /// Computes some tiles on the thread of a number; thread 0 is the caller's.
    public typealias Body = (_ tiles: Range<Int>, _ worker: Int) -> Void

    /// Threads that work, the caller included.
    public let threads: Int
    /// Threads that were asked for and that the system did not give.
    public let missingThreads: Int
    private let shared: Shared
    /// Of a pool that is recorded, the one that owns the threads.
    private let owner: WorkerPool?
    private let recorder: WorkRecorder?

    /// The most threads that a pool has.
    private static let mostThreads = 1024

    /// A pool of so many threads, at least 1 and at most 1024. Threads that the system does not give are done without.
    public init(threads: Int = Processors.available) {
        let wanted = min(max(1, threads), Self.mostThreads), shared = Shared()
        var started = 1
        while started < wanted {
            let worker = started
            guard NativeThread.start({ shared.serve(worker) }) else { break }
            started += 1
        }
        (self.threads, missingThreads) = (started, wanted - started)
        self.shared = shared
        (owner, recorder) = (nil, nil)
    }

    /// What to tell of threads that are missing; nil if none is.
    public var shortage: String? {
        guard missingThreads > 0 else { return nil }
        return "the system gives \(threads) of \(threads + missingThreads) threads (see ulimit -u, ulimit -v and the "
            + "limits of the batch system or container); it goes on with \(threads)"
    }

    private init(_ owner: WorkerPool, _ recorder: WorkRecorder) {
        (threads, missingThreads, shared) = (owner.threads, owner.missingThreads, owner.shared)
        (self.owner, self.recorder) = (owner, recorder)
    }

    deinit { if owner == nil { shared.stop() } }

    /// The same threads, which tell a recorder what they do.
    func recorded(by recorder: WorkRecorder) -> WorkerPool { WorkerPool(self, recorder) }

    /// Calls `body` for consecutive ranges that together cover `0..<count`, each at most `grain` long (but 1 at least),
    /// on all threads.
    ///
    /// Returns when all are done. One call at a time: a second caller waits. A body must not call the pool that runs
    /// it, which would wait for itself.
    public func run(count: Int, grain: Int, _ body: Body) {
        guard let recorder else { return divide(count: count, grain: grain, body) }
        divide(count: count, grain: grain) { tiles, worker in
            let begin = StepRun.now()
            body(tiles, worker)
            recorder.add(tiles.count, of: worker, from: begin)
        }
    }

    private func divide(count: Int, grain: Int, _ body: Body) {
        let grain = max(1, grain)
        if threads == 1 || count <= grain {
            var start = 0
            while start < count {
                let end = start + min(grain, count - start)
                body(start..<end, 0)
                start = end
            }
            return
        }
        withoutActuallyEscaping(body) { body in shared.run(count: count, grain: grain, body) }
    }
}

/// What the threads of a pool have in common.
private final class Shared: @unchecked Sendable {
    private struct Job {
        var count: Int
        var grain: Int
        var body: WorkerPool.Body
    }

    private let callers = NSLock()
    private let condition = NSCondition()
    private var job: Job?
    /// Number of the current job; a helper that sees a new number takes part.
    private let generation = Atomic<Int>(0)
    /// Number of the job whose tiles are handed out; 0 once none are left, and its body must no longer be called.
    private let open = Atomic<Int>(0)
    private let nextTile = Atomic<Int>(0)
    /// Helpers that are looking at the job or working on it.
    private let working = Atomic<Int>(0)
    private let sleeping = Atomic<Int>(0)
    private let stopped = Atomic<Bool>(false)

    /// Turns of busy waiting before a thread goes to sleep: some hundred microseconds.
    private static let patience = 2_000

    func run(count: Int, grain: Int, _ body: @escaping WorkerPool.Body) {
        callers.lock()
        defer { callers.unlock() }
        let job = Job(count: count, grain: grain, body: body)
        self.job = job
        nextTile.store(0, ordering: .relaxed)
        let number = generation.load(ordering: .relaxed) + 1
        open.store(number, ordering: .sequentiallyConsistent)
        generation.store(number, ordering: .sequentiallyConsistent)
        if sleeping.load(ordering: .sequentiallyConsistent) > 0 {
            condition.lock()
            condition.broadcast()
            condition.unlock()
        }
        takeTiles(job, worker: 0)
        // A helper that has not begun by now is not waited for: it finds the job closed. It either sees that, or is
        // seen here.
        open.store(0, ordering: .sequentiallyConsistent)
        while working.load(ordering: .sequentiallyConsistent) > 0 { relax() }
        self.job = nil
    }

    func serve(_ worker: Int) {
        var seen = 0
        while let current = waitForJob(after: seen) {
            seen = current
            working.add(1, ordering: .sequentiallyConsistent)
            if open.load(ordering: .sequentiallyConsistent) == current, let job { takeTiles(job, worker: worker) }
            working.subtract(1, ordering: .sequentiallyConsistent)
        }
    }

    func stop() {
        stopped.store(true, ordering: .sequentiallyConsistent)
        condition.lock()
        condition.broadcast()
        condition.unlock()
    }

    private func takeTiles(_ job: Job, worker: Int) {
        while true {
            let start = nextTile.add(job.grain, ordering: .relaxed).oldValue
            guard start < job.count else { return }
            job.body(start..<min(start + job.grain, job.count), worker)
        }
    }

    /// The number of a job later than `seen`, or nil when the pool has stopped.
    private func waitForJob(after seen: Int) -> Int? {
        for _ in 0..<Self.patience {
            let current = generation.load(ordering: .acquiring)
            if current != seen { return current }
            if stopped.load(ordering: .relaxed) { return nil }
            relax()
        }
        condition.lock()
        defer { condition.unlock() }
        sleeping.add(1, ordering: .sequentiallyConsistent)
        defer { sleeping.subtract(1, ordering: .sequentiallyConsistent) }
        while true {
            let current = generation.load(ordering: .sequentiallyConsistent)
            if current != seen { return current }
            if stopped.load(ordering: .sequentiallyConsistent) { return nil }
            condition.wait()
        }
    }

    /// Leaves the processor to others that want it, and comes back at once if there are none.
    private func relax() { sched_yield() }
}
