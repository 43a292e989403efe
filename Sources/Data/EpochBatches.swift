/// Some images of an epoch, ready for a training step. `n` is the number of images, `S` their size.
public struct Batch: Sendable, Equatable {
    /// Normalised pixels, shape [n, 3, S, S].
    public let images: [Float]
    /// Classes of the images, shape [n].
    public let labels: [Int32]
    /// Places of the images in the loader's `items`, shape [n].
    public let indices: [Int]
    /// Attention maps cropped and mirrored like the images, shape [n, grid, grid]; nil without maps.
    public let maps: [Float]?
    /// The number of images.
    public var count: Int { labels.count }
}

/// The batches of one epoch, in order: `while let batch = try batches.next() { ... }`.
///
/// Letting go of it before the end stops the threads that read ahead.
public final class EpochBatches {
    private let samples: OrderedPrefetch<Result<Sample, DataError>>
    private var positions: Range<Int>
    private let order: [Int]
    private let items: [ImageFolder.Item]
    private let batchSize: Int

    init(
        samples: OrderedPrefetch<Result<Sample, DataError>>, positions: Range<Int>, order: [Int],
        items: [ImageFolder.Item], batchSize: Int
    ) {
        self.samples = samples
        self.positions = positions
        self.order = order
        self.items = items
        self.batchSize = batchSize
    }

    /// The next batch, or nil at the end; throws the error, which names the file, of an image that cannot be
    /// decoded, and gives nothing more after it.
    public func next() throws(DataError) -> Batch? {
        let indices = Array(order[positions.prefix(batchSize)])
        guard !indices.isEmpty else { return nil }
        positions = positions.dropFirst(batchSize)
        var images: [Float] = []
        var maps: [Float] = []
        for _ in indices {
            switch samples.next() {
            case .success(let sample):
                if images.isEmpty { images.reserveCapacity(indices.count * sample.image.count) }
                images += sample.image
                maps += sample.map ?? []
            case .failure(let error):
                stop()
                throw error
            case nil:
                return nil
            }
        }
        return Batch(
            images: images, labels: indices.map { items[$0].label }, indices: indices,
            maps: maps.isEmpty ? nil : maps)
    }

    /// Ends the epoch here: `next()` gives nothing more, and the threads stop.
    public func stop() {
        positions = positions.upperBound..<positions.upperBound
        samples.stop()
    }
}
