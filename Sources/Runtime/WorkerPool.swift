import ApusSystem
import CRuntime
import Foundation

/// A fixed set of threads that divide the tiles of one kernel at a time.
///
/// Each thread takes the tiles of its own share first, a contiguous part, and then what is left of others'; kernels
/// write disjoint tiles, so results do not depend on who takes which. Between kernels of one program the threads wait
/// busily for a moment, since the next one follows at once; but not where there are more threads than processors for
/// them.
public final class WorkerPool: Sendable, CustomStringConvertible {
    /// Computes some tiles on the thread of a number; thread 0 is the caller's.
    public typealias Body = (_ tiles: Range<Int>, _ worker: Int) -> Void

    /// Threads that work, the caller included.
    public let threads: Int
    /// Threads that were asked for and that the system did not give.
    public let missingThreads: Int
    /// How many threads were chosen, and why, such as "2 threads (quota of 2 of 8 processors)".
    public let description: String
    /// Why threads are not pinned that should be; nil if nothing is wrong.
    public let pinningProblem: String?
    private let shared: Threads
    /// Who is told what each thread does.
    private let recorder: WorkRecorder?

    /// A pool of so many threads, at least 1 and at most 1024; without a number, of as many as ``ThreadChoice`` says.
    /// Threads that the system does not give are done without.
    public convenience init(threads: Int? = nil, pinned: Bool = false) {
        self.init(ThreadChoice(clamping: threads), pinned: pinned)
    }

    /// A pool of as many threads as were chosen. With `pinned`, each of them stays on a processor: one of each core
    /// that the process may use first, then their siblings. The caller's does so while a program runs. Where the system
    /// refuses that, ``pinningProblem`` says so, and it goes on without.
    public convenience init(_ choice: ThreadChoice, pinned: Bool = false) {
        self.init(choice, processors: pinned ? Processors.current.numbers : nil)
    }

    /// The same with the numbers of the processors for threads that are pinned.
    package init(_ choice: ThreadChoice, processors: [Int32]?) {
        shared = Threads(NativeThread.areRefused ? 1 : choice.count)
        threads = shared.count
        missingThreads = choice.count - threads
        pinningProblem = processors.flatMap(shared.pin)
        description = choice.description + (processors != nil && pinningProblem == nil ? ", pinned" : "")
        recorder = nil
    }

    /// What to tell of threads that are missing; nil if none is.
    public var shortage: String? {
        guard missingThreads > 0 else { return nil }
        return "the system gives \(threads) of \(threads + missingThreads) threads (see ulimit -u, ulimit -v and the "
            + "limits of the batch system or container); it goes on with \(threads)"
    }

    /// What to tell of threads that are missing or not pinned.
    public var warnings: [String] { [shortage, pinningProblem].compactMap(\.self) }

    private init(_ owner: WorkerPool, _ recorder: WorkRecorder) {
        (threads, missingThreads, shared) = (owner.threads, owner.missingThreads, owner.shared)
        (description, pinningProblem) = (owner.description, owner.pinningProblem)
        self.recorder = recorder
    }

    /// Runs a program, whose kernels call the pool: the caller's thread is pinned meanwhile, if the pool's are.
    package func running<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        let before = shared.enter()
        defer { apus_pool_leave(before) }
        return try body()
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
            recorder.add(tiles, of: worker, from: begin)
        }
    }
}

/// The threads of a pool and of its views, which end with this object.
private final class Threads: @unchecked Sendable {  // callers wait for their turn
    private let pool: OpaquePointer?

    init(_ count: Int) { pool = apus_pool_create(Int32(count), Int32(Processors.available)) }

    deinit { apus_pool_destroy(pool) }

    var count: Int { Int(apus_pool_threads(pool)) }

    /// Binds each thread to one of some processors; says why that is not possible.
    func pin(_ processors: [Int32]) -> String? {
        let problem = apus_pool_pin(pool, processors, Int32(processors.count))
        return problem == 0
            ? nil : "the system does not pin threads to processors: \(String(cString: strerror(problem)))"
    }

    func enter() -> UnsafeMutableRawPointer? { apus_pool_enter(pool) }

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
