import Foundation

/// Makes the elements of a range of positions on background threads and hands them out in order.
///
/// Threads run ahead of the consumer by a bounded number of positions. They end when the range is done, on
/// `stop()`, or when the consumer lets go of this object.
///
/// Where the system gives no threads, the consumer makes the elements itself.
package final class OrderedPrefetch<Element: Sendable> {
    private let state: State
    private let produce: @Sendable (Int) -> Element
    private let hasThreads: Bool

    /// Starts `threads` threads that make `produce(position)` for all of `positions`, at most `ahead` of them
    /// beyond the last one taken.
    package init(
        _ positions: Range<Int>, threads: Int, ahead: Int, produce: @escaping @Sendable (Int) -> Element
    ) {
        let state = State(positions, ahead: ahead)
        self.state = state
        self.produce = produce
        var started = 0
        while started < min(threads, positions.count) {
            // The threads know the state only: this object can go while they still run.
            let isStarted = NativeThread.start {
                while let position = state.claim() { state.deliver(produce(position), at: position) }
            }
            guard isStarted else { break }
            started += 1
        }
        hasThreads = started > 0
    }

    deinit { state.stop() }

    /// The next element, waiting for it if need be; nil at the end of the range or after `stop()`.
    package func next() -> Element? {
        if !hasThreads, let position = state.claim() { state.deliver(produce(position), at: position) }
        return state.take()
    }

    /// Lets the threads end after the element that they are at.
    package func stop() { state.stop() }

    /// What consumer and threads share; every property is used under the condition's lock only.
    private final class State: @unchecked Sendable {
        private let condition = NSCondition()
        private let end: Int
        private let ahead: Int
        private var unclaimed: Int
        private var taken: Int
        private var finished: [Int: Element] = [:]
        private var stopped = false

        init(_ positions: Range<Int>, ahead: Int) {
            unclaimed = positions.lowerBound
            taken = positions.lowerBound
            end = positions.upperBound
            self.ahead = max(ahead, 1)
        }

        /// The next position to work on, once it is near enough to the consumer; nil when there is no more to do.
        func claim() -> Int? {
            condition.withLock {
                while !stopped && unclaimed < end && unclaimed >= taken + ahead { condition.wait() }
                guard !stopped && unclaimed < end else { return nil }
                defer { unclaimed += 1 }
                return unclaimed
            }
        }

        func deliver(_ element: Element, at position: Int) {
            condition.withLock {
                finished[position] = element
                condition.broadcast()
            }
        }

        func take() -> Element? {
            condition.withLock {
                guard taken < end else { return nil }
                while !stopped && finished[taken] == nil { condition.wait() }
                guard !stopped, let element = finished.removeValue(forKey: taken) else { return nil }
                taken += 1
                condition.broadcast()
                return element
            }
        }

        func stop() {
            condition.withLock {
                stopped = true
                finished = [:]
                condition.broadcast()
            }
        }
    }
}
