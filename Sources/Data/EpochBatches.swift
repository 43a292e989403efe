/// The batches of one epoch, in order: `while let batch = try batches.next() { ... }`.
///
/// Letting go of it before the end stops the threads that read ahead.
public final class EpochBatches {
    private let samples: SampleQueue<Sample>
    private let items: [ImageFolder.Item]

    init(_ samples: SampleQueue<Sample>, items: [ImageFolder.Item]) {
        (self.samples, self.items) = (samples, items)
    }

    /// The next batch, or nil at the end; throws the error, which names the file, of an image that cannot be
    /// decoded, and gives nothing more after it.
    public func next() throws(DataError) -> Batch? {
        var images: [Float] = []
        var maps: [Float] = []
        let indices = try samples.next { sample, count in
            if images.isEmpty { images.reserveCapacity(count * sample.image.count) }
            images += sample.image
            maps += sample.map ?? []
        }
        guard let indices else { return nil }
        return Batch(
            images: images, labels: indices.map { items[$0].label }, indices: indices, maps: maps.isEmpty ? nil : maps,
            targets: nil)
    }

    /// Ends the epoch here: `next()` gives nothing more, and the threads stop.
    public func stop() { samples.stop() }
}

/// Samples that threads make ahead, taken a batch at a time.
final class SampleQueue<Sample: Sendable> {
    /// Batches that may be ready or in work before they are asked for.
    static var batchesAhead: Int { 3 }

    private let samples: OrderedPrefetch<Result<Sample, DataError>>
    private var positions: Range<Int>
    private let order: [Int]
    private let batchSize: Int

    /// The samples of `positions` in an epoch that visits the items in a given order.
    init(_ samples: OrderedPrefetch<Result<Sample, DataError>>, positions: Range<Int>, order: [Int], batchSize: Int) {
        (self.samples, self.positions, self.order, self.batchSize) = (samples, positions, order, batchSize)
    }

    /// Gives the samples of the next batch to `add`, with their number, and returns their items; nil at the end.
    ///
    /// Throws the error of a sample that cannot be made, and gives nothing more after it.
    func next(_ add: (_ sample: Sample, _ count: Int) -> Void) throws(DataError) -> [Int]? {
        let indices = Array(order[positions.prefix(batchSize)])
        guard !indices.isEmpty else { return nil }
        positions = positions.dropFirst(batchSize)
        for _ in indices {
            switch samples.next() {
            case .success(let sample): add(sample, indices.count)
            case .failure(let error):
                stop()
                throw error
            case nil: return nil
            }
        }
        return indices
    }

    func stop() {
        positions = positions.upperBound..<positions.upperBound
        samples.stop()
    }
}
