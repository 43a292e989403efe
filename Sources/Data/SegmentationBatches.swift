/// Some images of an epoch with their masks, ready for a step. `n` is the number of images, `S` their size.
public struct SegmentationBatch: Sendable, Equatable {
    /// Normalised pixels, shape [n, 3, S, S].
    public private(set) var images: BatchNumbers
    /// 1 where a class is and 0 elsewhere, shape [n, classes, S, S].
    public private(set) var masks: BatchNumbers
    /// Places of the images in the loader's `items`, one for each image of the folder.
    public let indices: [Int]

    /// The number of images of the folder; a padded batch has more images than that.
    public var count: Int { indices.count }

    /// The batch filled up to `size` images by repeating the last one, for a program whose batch is fixed; only the
    /// first ``count`` results are of use.
    public func padded(to size: Int) -> SegmentationBatch {
        guard count > 0, size > count else { return self }
        var batch = self
        batch.images = images.padded(from: count, to: size)
        batch.masks = masks.padded(from: count, to: size)
        return batch
    }

    init(images: BatchNumbers, masks: BatchNumbers, indices: [Int]) {
        (self.images, self.masks, self.indices) = (images, masks, indices)
    }
}

/// The batches of one epoch, in order, as ``EpochBatches`` is.
public final class SegmentationBatches {
    private let samples: SampleQueue

    init(_ samples: SampleQueue) { self.samples = samples }

    /// The next batch, or nil at the end; throws the error of an image or mask that cannot be used, and gives nothing
    /// more after it.
    public func next() throws(DataError) -> SegmentationBatch? {
        try samples.next().map { SegmentationBatch(images: $0.parts[0], masks: $0.parts[1], indices: $0.indices) }
    }

    /// Ends the epoch here: `next()` gives nothing more, and the threads stop.
    public func stop() { samples.stop() }
}
