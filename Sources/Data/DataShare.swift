/// Whose part of the data is read, where several ranks train together: each reads its own part of every batch.
public struct DataShare: Hashable, Sendable {
    /// Which of the ranks it is, from 0.
    public let rank: Int
    /// How many ranks there are.
    public let count: Int

    /// The part of one of some ranks.
    public init(rank: Int, of count: Int) { (self.rank, self.count) = (rank, count) }

    /// All of it.
    public static let whole = DataShare(rank: 0, of: 1)

    /// How many samples of a batch of all ranks are this one's.
    public func part(of batch: Int) -> Int { batch / count }

    /// Of an order of samples those that are this rank's, with so many in each of its batches: ranks take turns.
    func own(_ order: [Int], batchSize: Int) -> [Int] {
        guard count > 1 else { return order }
        return stride(from: rank * batchSize, to: order.count, by: batchSize * count).flatMap { start in
            order[start..<min(start + batchSize, order.count)]
        }
    }
}
