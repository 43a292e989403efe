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

    @Test func manyTinyJobs() {
        let pool = WorkerPool(threads: 4)
        let sum = Atomic<Int>(0)
        for _ in 0..<1_000 {
            pool.run(count: 4, grain: 1) { range, _ in sum.add(range.lowerBound + 1, ordering: .relaxed) }
        }
        #expect(sum.load(ordering: .relaxed) == 10_000)
    }

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
