import Apus
import Foundation
import Synchronization

/// What threads share and wait for beside work, by which the time of a program on other numbers of them is predicted.
public struct ThreadModel: Sendable {
    /// Seconds that it takes to hand a step to other threads, and to hear that it is done.
    public var handOver: Double
    /// Seconds of each thread's turns at the counters of tiles and of threads, one after the other.
    public var turn = 1e-7
    /// Bytes a second that the memory reads and writes for each thread, all of them working, and bytes that caches hold
    /// for each: what a step of less reads, the step before has left there.
    public var bytesPerSecond: Double, cacheBytes = 2 << 20
    /// Threads that work at the same time on the machine that pieces were timed on: their time has all that the memory
    /// of that machine costs.
    public var processors: Int

    /// A model of a machine.
    public init(handOver: Double, bytesPerSecond: Double, processors: Int) {
        (self.handOver, self.bytesPerSecond, self.processors) = (handOver, bytesPerSecond, processors)
    }

    /// A model of this machine, on as many threads as programs run on by default; where that is one, a step is handed
    /// over in a microsecond.
    public static func measured(bytesPerSecond: Double) -> ThreadModel {
        let pool = WorkerPool(), steps = 2000
        func seconds(_ pieces: Int) -> Double {
            (0..<5).map { _ in
                let start = DispatchTime.now().uptimeNanoseconds
                for _ in 0..<steps {
                    // Each thread waits for the others, so that none takes two pieces.
                    let arrived = Atomic(0)
                    pool.run(count: pieces, grain: 1) { _, _ in
                        arrived.add(1, ordering: .relaxed)
                        while arrived.load(ordering: .relaxed) < pieces {}
                    }
                }
                return Double(DispatchTime.now().uptimeNanoseconds - start) * 1e-9 / Double(steps)
            }.min() ?? 0
        }
        // One piece is not handed over.
        let threads = pool.threads, handOver = threads > 1 ? max(0, seconds(threads) - seconds(1)) : 1e-6
        return ThreadModel(handOver: handOver, bytesPerSecond: bytesPerSecond, processors: threads)
    }

    /// The time of a step on some threads, and what of it is lost.
    package struct Time {
        package var seconds = 0.0
        /// Of these, those in which threads wait for the last piece; for each other; for the memory.
        package var lateness = 0.0, handOver = 0.0, memory = 0.0

        static func += (a: inout Time, b: Time) {
            a.seconds += b.seconds
            a.lateness += b.lateness
            a.handOver += b.handOver
            a.memory += b.memory
        }
        package var lost: Double { lateness + handOver + memory }
    }

    /// A step whose pieces go, one after the other, to the thread that is free first, as threads take them.
    package func time(of step: MeasuredProgram.Step, threads: Int) -> Time {
        let pieces = step.times, workers = min(threads, max(pieces.count, 1))
        var free = [Double](repeating: 0, count: workers)
        for piece in pieces {
            guard let first = free.indices.min(by: { free[$0] < free[$1] }) else { continue }
            free[first] += piece
        }
        let work = free.max() ?? 0, even = pieces.reduce(0, +) / Double(threads)
        let isCached = threads <= processors || step.bytes <= cacheBytes * threads
        let transfer = isCached ? 0 : Double(step.bytes) / (bytesPerSecond * Double(threads))
        var time = Time(lateness: work - even, memory: max(0, transfer - work))
        time.handOver = step.rest + (workers > 1 ? handOver + turn * Double(workers) : 0)
        time.seconds = even + time.lost
        return time
    }

    /// All steps of a program, one after the other.
    func time(of program: MeasuredProgram, threads: Int) -> Time {
        var total = Time()
        for step in program.steps { total += time(of: step, threads: threads) }
        return total
    }
}
