/// Some images of an epoch with their masks, ready for a step. `n` is the number of images, `S` their size.
public struct SegmentationBatch: Sendable, Equatable {
    /// Normalised pixels, shape [n, 3, S, S].
    public private(set) var images: [Float]
    /// 1 where a class is and 0 elsewhere, shape [n, classes, S, S].
    public private(set) var masks: [Float]
    /// Places of the images in the loader's `items`, one for each image of the folder.
    public let indices: [Int]

    /// The number of images of the folder; a padded batch has more images than that.
    public var count: Int { indices.count }

    /// The batch filled up to `size` images by repeating the last one, for a program whose batch is fixed; only the
    /// first ``count`` results are of use.
    public func padded(to size: Int) -> SegmentationBatch {
        guard count > 0, size > count else { return self }
        var batch = self
        for _ in count..<size {
            batch.images += images.suffix(images.count / count)
            batch.masks += masks.suffix(masks.count / count)
        }
        return batch
    }

    init(images: [Float], masks: [Float], indices: [Int]) {
        (self.images, self.masks, self.indices) = (images, masks, indices)
    }
}

/// The batches of one epoch, in order, as ``EpochBatches`` is.
public final class SegmentationBatches {
    private let samples: SampleQueue<SegmentationSample>

    init(_ samples: SampleQueue<SegmentationSample>) { self.samples = samples }

    /// The next batch, or nil at the end; throws the error of an image or mask that cannot be used, and gives nothing
    /// more after it.
    public func next() throws(DataError) -> SegmentationBatch? {
        var images: [Float] = []
        var masks: [Float] = []
        let indices = try samples.next { sample, count in
            if images.isEmpty { images.reserveCapacity(count * sample.image.count) }
            images += sample.image
            masks += sample.masks
        }
        return indices.map { SegmentationBatch(images: images, masks: masks, indices: $0) }
    }

    /// Ends the epoch here: `next()` gives nothing more, and the threads stop.
    public func stop() { samples.stop() }
}

/// One image and its masks, ready for a batch.
struct SegmentationSample: Sendable {
    let image: [Float]
    let masks: [Float]
}
