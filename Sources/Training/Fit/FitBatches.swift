import ApusIR
import ApusRuntime
import ApusSystem

/// Samples in order, batch by batch, which threads make ahead of who takes them.
///
/// What comes out, and at which batch an error of the source is thrown, does not depend on the threads.
final class FitBatches: BatchSource {
    struct Batch: Sendable {
        let samples: [Int]
        let tensors: [String: TensorData]
    }

    private let made: OrderedPrefetch<Result<Batch, any Error>>

    /// Batches of `size` samples of an order, from number `first` on.
    ///
    /// - Parameters:
    ///   - own: Which of the `shares` batches that are computed side by side, where ranks take turns.
    ///   - keepsRest: Whether what is left over at the end is a smaller batch.
    ///   - threads: How many make batches ahead, each up to two; none if the one who takes a batch makes it.
    init(
        _ data: any DataSource, order: [Int], size: Int, epoch: Int, startingAt first: Int = 0,
        own: Range<Int> = 0..<1, of shares: Int = 1, keepsRest: Bool = false, threads: Int
    ) {
        let all = (order.count + (keepsRest ? size - 1 : 0)) / size
        let rest = keepsRest ? min(max(0, all % shares - own.lowerBound), own.count) : 0
        let count = all / shares * own.count + rest
        made = OrderedPrefetch(min(first * own.count, count)..<count, threads: threads, ahead: 2 * threads) { number in
            let (turn, place) = number.quotientAndRemainder(dividingBy: own.count)
            let start = (turn * shares + own.lowerBound + place) * size
            let samples = Array(order[start..<min(start + size, order.count)])
            return Result { Batch(samples: samples, tensors: try data.batch(samples, epoch: epoch)) }
        }
    }

    func next() throws -> Batch? {
        do {
            return try made.next()?.get()
        } catch {
            stop()
            throw error
        }
    }

    func stop() { made.stop() }

    /// A permutation of so many samples that follows from seed and epoch.
    static func order(_ count: Int, seed: Int, epoch: Int) -> [Int] {
        let key = (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
        let keys = (0..<count).map { sample -> UInt64 in
            let words = Philox.block(
                counter: (UInt32(truncatingIfNeeded: sample), UInt32(truncatingIfNeeded: epoch), 0, 0xF17), key: key)
            return UInt64(words.0) << 32 | UInt64(words.1)
        }
        return keys.indices.sorted { (keys[$0], $0) < (keys[$1], $1) }
    }
}
