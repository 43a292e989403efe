/// Whose part of the data is read, where several ranks train together: a batch is divided into parts, and each rank
/// reads one of them or, one after the other, several that follow each other.
public struct DataShare: Hashable, Sendable {
    /// Which of the parts this rank reads, from 0.
    public let parts: Range<Int>
    /// How many parts a batch has.
    public let count: Int

    /// Some of the parts of every batch; there is at least one of them.
    public init(_ parts: Range<Int>, of count: Int) { (self.parts, self.count) = (parts, count) }

    /// The part of one of some ranks.
    public init(rank: Int, of count: Int) { self.init(rank..<rank + 1, of: count) }

    /// All of it.
    public static let whole = DataShare(rank: 0, of: 1)

    /// How many samples of a batch are in one part.
    public func part(of batch: Int) -> Int { batch / count }

    /// Of an order of samples those that are this rank's, with so many in each part.
    func own(_ order: [Int], batchSize: Int) -> [Int] {
        guard count > 1 else { return order }
        return stride(from: parts.lowerBound * batchSize, to: order.count, by: batchSize * count).flatMap { start in
            order[start..<min(start + batchSize * parts.count, order.count)]
        }
    }
}
