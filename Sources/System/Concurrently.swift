import Foundation
import Synchronization

/// Calls `body` with every number of `0..<count`, side by side on at most `threads` threads, the caller among them.
///
/// Returns when all calls have. Threads that the system does not give are done without.
public func concurrently(
    _ count: Int, threads: Int = Processors.available, _ body: @escaping @Sendable (_ number: Int) -> Void
) {
    let next = Numbers(count), helpers = DispatchGroup()
    for _ in 1..<max(2, min(threads, count)) where threads > 1 && count > 1 {
        helpers.enter()
        let isStarted = NativeThread.start {
            while let number = next.take() { body(number) }
            helpers.leave()
        }
        if !isStarted { helpers.leave() }
    }
    while let number = next.take() { body(number) }
    helpers.wait()
}

/// Numbers that threads take in turn.
private final class Numbers: Sendable {
    private let count: Int
    private let next = Atomic(0)

    init(_ count: Int) { self.count = count }

    func take() -> Int? {
        let number = next.add(1, ordering: .relaxed).oldValue
        return number < count ? number : nil
    }
}
