import ApusSystem
import Synchronization

/// Samples that threads write ahead, straight into the memory of their batches, taken a batch at a time.
///
/// As a rule two batches are in turn: one is used, and the next is written meanwhile into the memory of the one before.
final class SampleQueue {
    /// What a thread makes a sample with: the item's number, and the memory of each of its parts.
    typealias Write = @Sendable (_ item: Int, _ parts: [UnsafeMutableBufferPointer<Float>]) throws(DataError) -> Void

    private let samples: OrderedPrefetch<Result<Void, DataError>>
    private let memory: MemoryInTurn
    private let sizes: [Int]
    private let order: [Int]
    private let batchSize: Int
    private var positions: Range<Int>
    private var batch = 0

    /// The samples of `positions` in an epoch that visits the items in a given order; each has parts of so many
    /// numbers.
    init(
        _ positions: Range<Int>, order: [Int], batchSize: Int, sizes: [Int], threads: Int, write: @escaping Write
    ) {
        let memory = MemoryInTurn(sizes.map { $0 * batchSize }), first = positions.lowerBound
        // Small batches alone would not keep all threads busy.
        samples = OrderedPrefetch(positions, threads: threads, ahead: max(batchSize, 2 * threads)) { position in
            let (batch, place) = (position - first).quotientAndRemainder(dividingBy: batchSize)
            let parts = zip(memory.ofBatch(batch), sizes).map { memory, size in
                UnsafeMutableBufferPointer(rebasing: memory.numbers[place * size..<(place + 1) * size])
            }
            return Result { () throws(DataError) in try write(order[position], parts) }
        }
        (self.memory, self.sizes, self.order, self.batchSize) = (memory, sizes, order, batchSize)
        self.positions = positions
    }

    /// The items of the next batch, and its parts; nil at the end.
    ///
    /// Throws the error of a sample that cannot be made, and gives nothing more after it.
    func next() throws(DataError) -> (indices: [Int], parts: [BatchNumbers])? {
        let indices = Array(order[positions.prefix(batchSize)])
        guard !indices.isEmpty else { return nil }
        positions = positions.dropFirst(batchSize)
        for _ in indices {
            switch samples.next() {
            case .success: break
            case .failure(let error):
                stop()
                throw error
            case nil: return nil
            }
        }
        defer { batch += 1 }
        let parts = zip(memory.take(batch), sizes).map { BatchNumbers($0, count: $1 * indices.count) }
        return (indices, parts)
    }

    func stop() {
        positions = positions.upperBound..<positions.upperBound
        samples.stop()
    }
}

/// The memory of the batches under way, by their numbers; that of batches that nobody has any more is used again.
private final class MemoryInTurn: Sendable {
    private struct State {
        var underWay: [Int: [BatchMemory]] = [:]
        var taken: [[BatchMemory]]
    }
    private let counts: [Int]
    private let state: Mutex<State>

    /// Batches have parts of so many numbers.
    init(_ counts: [Int]) {
        self.counts = counts
        state = Mutex(State(taken: counts.map { _ in [] }))
    }

    func ofBatch(_ number: Int) -> [BatchMemory] {
        state.withLock { state in
            if let parts = state.underWay[number] { return parts }
            let parts = counts.indices.map { part in
                let free = state.taken[part].indices.first { isKnownUniquelyReferenced(&state.taken[part][$0]) }
                return free.map { state.taken[part].remove(at: $0) } ?? BatchMemory(count: counts[part])
            }
            state.underWay[number] = parts
            return parts
        }
    }

    func take(_ number: Int) -> [BatchMemory] {
        state.withLock { state in
            guard let parts = state.underWay.removeValue(forKey: number) else { return [] }
            for (part, memory) in parts.enumerated() { state.taken[part].append(memory) }
            return parts
        }
    }
}
