import ApusSystem
import CRuntime

/// A fixed set of threads that divide the tiles of one kernel at a time.
///
/// Which thread takes which tile is left to chance; kernels write disjoint tiles, so results do not depend on it.
/// Between kernels of one program the threads wait busily for a moment, since the next one follows at once; but not
/// where there are more threads than processors for them.
public final class WorkerPool: Sendable, CustomStringConvertible {
    /// Computes some tiles on the thread of a number; thread 0 is the caller's.
    public typealias Body = (_ tiles: Range<Int>, _ worker: Int) -> Void

    /// Threads that work, the caller included.
    public let threads: Int
    /// Threads that were asked for and that the system did not give.
    public let missingThreads: Int
    /// How many threads were chosen, and why, such as "2 threads (quota of 2 of 8 processors)".
    public let description: String
    private let shared: Threads
    /// Who is told what each thread does.
    private let recorder: WorkRecorder?

    /// A pool of so many threads, at least 1 and at most 1024; without a number, of as many as ``ThreadChoice`` says.
    /// Threads that the system does not give are done without.
    public convenience init(threads: Int? = nil) { self.init(ThreadChoice(clamping: threads)) }

    /// A pool of as many threads as were chosen.
    public init(_ choice: ThreadChoice) {
        shared = Threads(NativeThread.areRefused ? 1 : choice.count)
        threads = shared.count
        missingThreads = choice.count - threads
        description = choice.description
        recorder = nil
    }

    /// What to tell of threads that are missing; nil if none is.
    public var shortage: String? {
        guard missingThreads > 0 else { return nil }
        return "the system gives \(threads) of \(threads + missingThreads) threads (see ulimit -u, ulimit -v and the "
            + "limits of the batch system or container); it goes on with \(threads)"
    }

    private init(_ owner: WorkerPool, _ recorder: WorkRecorder) {
        (threads, missingThreads, shared) = (owner.threads, owner.missingThreads, owner.shared)
        description = owner.description
        self.recorder = recorder
    }

    /// The same threads, which tell a recorder what they do.
    func recorded(by recorder: WorkRecorder) -> WorkerPool { WorkerPool(self, recorder) }

    /// Calls `body` for consecutive ranges that together cover `0..<count`, each at most `grain` long (but 1 at least),
    /// on all threads.
    ///
    /// Returns when all are done. One call at a time: a second caller waits. A body must not call the pool that runs
    /// it, which would wait for itself.
    public func run(count: Int, grain: Int, _ body: Body) {
        guard let recorder else { return shared.run(count: count, grain: grain, body) }
        shared.run(count: count, grain: grain) { tiles, worker in
            let begin = StepRun.now()
            body(tiles, worker)
            recorder.add(tiles.count, of: worker, from: begin)
        }
    }
}

/// The threads of a pool and of its views, which end with this object.
private final class Threads: @unchecked Sendable {  // callers wait for their turn
    private let pool: OpaquePointer?

    init(_ count: Int) { pool = apus_pool_create(Int32(count), Int32(Processors.available)) }

    deinit { apus_pool_destroy(pool) }

    var count: Int { Int(apus_pool_threads(pool)) }

    func run(count: Int, grain: Int, _ body: WorkerPool.Body) {
        withoutActuallyEscaping(body) { body in
            var body = body
            apus_pool_run(
                pool, count, grain,
                { body, begin, end, worker in
                    body?.assumingMemoryBound(to: WorkerPool.Body.self).pointee(begin..<end, Int(worker))
                }, &body)
        }
    }
}
