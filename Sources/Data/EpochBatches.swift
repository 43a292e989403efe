/// The batches of one epoch, in order: `while let batch = try batches.next() { ... }`.
///
/// Letting go of it before the end stops the threads that read ahead.
public final class EpochBatches {
    private let samples: SampleQueue
    private let items: [ImageFolder.Item]

    init(_ samples: SampleQueue, items: [ImageFolder.Item]) {
        (self.samples, self.items) = (samples, items)
    }

    /// The next batch, or nil at the end; throws the error, which names the file, of an image that cannot be
    /// decoded, and gives nothing more after it.
    public func next() throws(DataError) -> Batch? {
        guard let (indices, parts) = try samples.next() else { return nil }
        return Batch(
            images: parts[0], labels: indices.map { items[$0].label }, indices: indices,
            maps: parts.count > 1 ? Array(parts[1]) : nil, targets: nil)
    }

    /// Ends the epoch here: `next()` gives nothing more, and the threads stop.
    public func stop() { samples.stop() }
}
