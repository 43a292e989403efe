import ApusSystem
import Foundation
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct OrderedPrefetchTests {
    private func all(_ prefetch: OrderedPrefetch<Int>) -> [Int] {
        var elements: [Int] = []
        while let element = prefetch.next() { elements.append(element) }
        return elements
    }

    @Test(arguments: [0, 1, 3], [1, 2, 100]) func elementsComeInOrder(threads: Int, ahead: Int) {
        #expect(all(OrderedPrefetch(3..<50, threads: threads, ahead: ahead) { $0 * 2 }) == (3..<50).map { $0 * 2 })
        let refused = NativeThread.$areRefused.withValue(true) {
            all(OrderedPrefetch(3..<50, threads: threads, ahead: ahead) { $0 * 2 })
        }
        #expect(refused == (3..<50).map { $0 * 2 })
        #expect(all(OrderedPrefetch(5..<5, threads: threads, ahead: ahead) { $0 }) == [])
    }

    /// Nothing is made further ahead than was asked for, and that much is made without being asked.
    @Test func threadsRunAheadByABound() {
        let made = DispatchSemaphore(value: 0), count = Atomic(0)
        let prefetch = OrderedPrefetch(0..<10, threads: 4, ahead: 3) { number in
            count.add(1, ordering: .relaxed)
            made.signal()
            return number
        }
        for _ in 0..<3 { #expect(made.wait(timeout: .now() + 30) == .success) }
        #expect(made.wait(timeout: .now() + 0.05) == .timedOut && count.load(ordering: .relaxed) == 3)
        #expect(prefetch.next() == 0)
        #expect(made.wait(timeout: .now() + 30) == .success)
        prefetch.stop()
        #expect(prefetch.next() == nil)
    }
}
