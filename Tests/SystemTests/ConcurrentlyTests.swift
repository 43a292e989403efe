import ApusSystem
import Foundation
import Synchronization
import Testing

/// Every number is called once, on however many threads there are.
@Suite(.timeLimit(.minutes(1)))
struct ConcurrentlyTests {
    private func numbers(_ count: Int, threads: Int) -> [Int] {
        let called = Mutex([Int]())
        concurrently(count, threads: threads) { number in called.withLock { $0.append(number) } }
        return called.withLock { $0.sorted() }
    }

    @Test(arguments: [0, 1, 2, 100], [-1, 0, 1, 2, 7])
    func everyNumberOnce(count: Int, threads: Int) {
        #expect(numbers(count, threads: threads) == Array(0..<count))
        #expect(NativeThread.$areRefused.withValue(true) { numbers(count, threads: threads) } == Array(0..<count))
    }

    /// Calls that wait for each other come to an end only side by side.
    @Test func threadsWorkSideBySide() {
        let arrived = DispatchSemaphore(value: 0), other = DispatchSemaphore(value: 0)
        concurrently(2, threads: 2) { number in
            (number == 0 ? arrived : other).signal()
            (number == 0 ? other : arrived).wait()
        }
    }

    /// A stack that no system has room for: what a limit of address space or of tasks does too.
    @Test func aThreadThatTheSystemRefusesIsReported() {
        let hasRun = Mutex(false)
        let isStarted = NativeThread.start(stackBytes: 1 << 46) { hasRun.withLock { $0 = true } }
        #expect(!isStarted && !hasRun.withLock { $0 })
        let done = DispatchSemaphore(value: 0)
        let isOther = NativeThread.start { done.signal() }
        #expect(isOther)
        done.wait()
    }
}
