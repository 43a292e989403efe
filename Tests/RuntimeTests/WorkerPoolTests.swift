import ApusRuntime
import ApusSystem
import Foundation
import Synchronization
import Testing

/// The pool covers every tile once, whoever calls, and comes to an end.
@Suite(.timeLimit(.minutes(1)))
struct WorkerPoolTests {
    /// How often each tile is computed, and the ranges and workers that were seen.
    private func counts(_ pool: WorkerPool, count: Int, grain: Int) -> [Int] {
        let tiles = Mutex([Int](repeating: 0, count: count))
        pool.run(count: count, grain: grain) { range, worker in
            #expect(!range.isEmpty && range.count <= grain && range.lowerBound % grain == 0)
            #expect(worker >= 0 && worker < pool.threads)
            tiles.withLock { tiles in for tile in range { tiles[tile] += 1 } }
        }
        return tiles.withLock { $0 }
    }

    @Test(arguments: [1, 2, 3, 5, 8])
    func everyTileOnce(threads: Int) {
        let pool = WorkerPool(threads: threads)
        #expect(pool.threads == threads)
        for count in [0, 1, 2, 7, 64, 1000] {
            for grain in [1, 3, 64, 2000] {
                #expect(
                    counts(pool, count: count, grain: grain) == [Int](repeating: 1, count: count),
                    "\(count) by \(grain)")
            }
        }
    }

    /// A thread takes its own share first, from its beginning on, and then what is left of the shares of those after
    /// it.
    @Test(arguments: [2, 3, 5])
    func ownSharesFirst(threads: Int) {
        let pool = WorkerPool(threads: threads), parts = 100, grain = 3
        func owner(_ part: Int) -> Int {
            let (each, more) = parts.quotientAndRemainder(dividingBy: threads)
            return part < more * (each + 1) ? part / (each + 1) : (part - more) / each
        }
        for _ in 0..<50 {
            let taken = Mutex([[Int]](repeating: [], count: threads))
            pool.run(count: parts * grain - 1, grain: grain) { range, worker in
                taken.withLock { $0[worker].append(range.lowerBound / grain) }
            }
            for (worker, parts) in taken.withLock({ $0 }).enumerated() {
                let order = parts.map { ((owner($0) - worker + threads) % threads, $0) }
                #expect(zip(order, order.dropFirst()).allSatisfy { $0 < $1 }, "worker \(worker): \(parts)")
            }
        }
    }

    @Test func atLeastOneThread() {
        #expect(WorkerPool(threads: 0).threads == 1)
        #expect(WorkerPool(threads: -3).threads == 1)
    }

    @Test func goesOnWithoutThreadsThatAreRefused() {
        let pool = NativeThread.$areRefused.withValue(true) { WorkerPool(threads: 3) }
        #expect(pool.threads == 1)
        #expect(pool.missingThreads == 2 && pool.shortage?.hasPrefix("the system gives 1 of 3 threads") == true)
        #expect(WorkerPool(threads: 3).shortage == nil)
        #expect(counts(pool, count: 64, grain: 3) == [Int](repeating: 1, count: 64))
    }

    /// With threads for all processors, and with more, which wait in another way.
    @Test(arguments: [2, 4, 64])
    func manyTinyJobs(threads: Int) {
        let pool = WorkerPool(threads: threads)
        let sum = Atomic<Int>(0)
        for _ in 0..<1_000 {
            pool.run(count: 4, grain: 1) { range, _ in sum.add(range.lowerBound + 1, ordering: .relaxed) }
        }
        #expect(sum.load(ordering: .relaxed) == 10_000)
    }

    /// Where there are more threads than processors, the caller sleeps until another thread has done its tile.
    @Test func waitsWithoutWork() {
        // On one processor the caller does all alone.
        guard Processors.available > 1 else { return }
        let pool = WorkerPool(threads: Processors.available + 1), hasBegun = Atomic(false), seconds = Mutex(0.0)
        pool.run(count: 2, grain: 1) { _, worker in
            if worker == 0 {
                while !hasBegun.load(ordering: .acquiring) { usleep(100) }
                seconds.withLock { $0 = processorTime() }
            } else if !hasBegun.exchange(true, ordering: .acquiringAndReleasing) {
                usleep(400_000)
            }
        }
        let before = seconds.withLock { $0 }
        #expect(before > 0 && processorTime() - before < 0.05)
    }

    /// Seconds that a processor has worked for the thread at hand.
    private func processorTime() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    #if os(Linux)
        /// Each thread has a processor of its own; the caller's only while a program runs.
        @Test func pinnedThreads() throws {
            let numbers = Processors.current.numbers, count = min(3, Processors.available)
            let pool = try WorkerPool(ThreadChoice(count), pinned: true), before = Processors(root: "").numbers
            #expect(pool.pinningProblem == nil && pool.description.hasSuffix("), pinned"), "\(pool)")
            func places() -> [[Int32]] {
                let seen = Mutex([[Int32]?](repeating: nil, count: pool.threads))
                pool.run(count: pool.threads, grain: 1) { _, worker in
                    seen.withLock { $0[worker] = Processors(root: "").numbers }
                    // So that every thread takes one tile.
                    while seen.withLock({ $0.contains(nil) }) { usleep(100) }
                }
                return seen.withLock { $0.compactMap(\.self) }
            }
            let own = numbers.prefix(count).map { [$0] }
            #expect(pool.running { places() } == own)
            #expect(places() == [before] + own[1...])
            #expect(Processors(root: "").numbers == before)
        }

        @Test func processorsThatAreNotThere() throws {
            let pool = try WorkerPool(ThreadChoice(2), processors: [4_000])
            let problem = "the system does not pin threads to processors: Invalid argument"
            #expect(pool.warnings == [problem] && !pool.description.contains("pinned"))
            #expect(pool.running { counts(pool, count: 64, grain: 3) } == [Int](repeating: 1, count: 64))
        }
    #endif

    /// Jobs far enough apart that the threads have gone to sleep in between.
    @Test func jobsAfterPauses() {
        let pool = WorkerPool(threads: 3)
        for _ in 0..<20 {
            usleep(5_000)
            #expect(counts(pool, count: 10, grain: 1) == [Int](repeating: 1, count: 10))
        }
    }

    @Test func poolsComeAndGo() {
        for round in 0..<200 {
            let pool = WorkerPool(threads: 1 + round % 5)
            if round % 3 != 0 { #expect(counts(pool, count: 9, grain: 2) == [Int](repeating: 1, count: 9)) }
        }
    }

    @Test func concurrentCallersTakeTurns() {
        let pool = WorkerPool(threads: 3)
        let sum = Atomic<Int>(0)
        DispatchQueue.concurrentPerform(iterations: 8) { _ in
            for _ in 0..<200 { pool.run(count: 6, grain: 1) { range, _ in sum.add(range.count, ordering: .relaxed) } }
        }
        #expect(sum.load(ordering: .relaxed) == 8 * 200 * 6)
    }

    /// A body may use another pool.
    @Test func poolsInsideOneAnother() {
        let outer = WorkerPool(threads: 2), inner = WorkerPool(threads: 2)
        let sum = Atomic<Int>(0)
        outer.run(count: 8, grain: 1) { _, _ in
            inner.run(count: 5, grain: 1) { range, _ in sum.add(range.count, ordering: .relaxed) }
        }
        #expect(sum.load(ordering: .relaxed) == 40)
    }

    @Test func whateverIsAskedForComesToAnEnd() {
        for threads in [1, 3] {
            let pool = WorkerPool(threads: threads)
            for grain in [0, -5, .max] {
                let sum = Mutex(0)
                pool.run(count: 100, grain: grain) { tiles, _ in sum.withLock { $0 += tiles.reduce(0, +) } }
                #expect(sum.withLock { $0 } == 4950, "\(grain)")
            }
            pool.run(count: -1, grain: 1) { _, _ in Issue.record("there is no tile") }
        }
        #expect(WorkerPool(threads: -2).threads == 1)
    }
}
