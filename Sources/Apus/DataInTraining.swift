// Where data and training meet: batches of a loader as those of a task, and random numbers for them.
import ApusData
import ApusRuntime
import ApusTraining

extension BatchNumbers {
    /// The numbers as a tensor of a shape, where they lie. Throws if the shape does not hold so many.
    public func tensor(shape: [Int]) throws(RuntimeError) -> TensorData {
        try withOwnedNumbers { (numbers, owner) throws(RuntimeError) in
            try TensorData(shape: shape, lyingAt: numbers, of: owner)
        }
    }
}

extension RunCompiler {
    /// The part of the data that this rank reads.
    public var share: DataShare { DataShare(ranks.ownShares, of: ranks.shares) }
}

extension EpochBatches: BatchSource {}
extension SegmentationBatches: BatchSource {}

extension BatchPlace {
    /// Random numbers of the batch for a purpose.
    public func random(for purpose: CounterRandom.Purpose) -> CounterRandom {
        CounterRandom(seed: UInt64(seed), epoch: step, index: index, purpose: purpose)
    }

    /// The input `random_key`, i32[2], of a step that draws random numbers.
    public func key(for purpose: CounterRandom.Purpose) throws -> TensorData {
        var random = random(for: purpose)
        return try TensorData((0..<2).map { _ in Int32(truncatingIfNeeded: random.next()) })
    }
}
