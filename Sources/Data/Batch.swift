/// Some images of an epoch, ready for a training step. `n` is the number of images, `S` their size.
public struct Batch: Sendable, Equatable {
    /// Normalised pixels, shape [n, 3, S, S].
    public internal(set) var images: BatchNumbers
    /// Classes of the images, shape [n].
    public internal(set) var labels: [Int32]
    /// Places of the images in the loader's `items`, one for each image of the folder.
    public let indices: [Int]
    /// Maps of the images, cropped and mirrored like them, shape [n, grid, grid]; nil without maps.
    public internal(set) var maps: [Float]?
    /// Shares of the classes that training aims at, shape [n, classes]; nil unless the batch went through ``Mixup``.
    public internal(set) var targets: [Float]?

    /// The number of images of the folder; a padded batch has more images than that.
    public var count: Int { indices.count }

    /// The batch filled up to `size` images, for a program whose batch is fixed; only the first ``count`` results are
    /// of use.
    ///
    /// The last image is repeated with all that belongs to it, so that what is computed of it is as finite as of the
    /// others.
    public func padded(to size: Int) -> Batch {
        guard count > 0, size > labels.count else { return self }
        var batch = self
        batch.images = images.padded(from: labels.count, to: size)
        func filled(_ values: [Float]) -> [Float] {
            let last = values.suffix(values.count / labels.count)
            return (labels.count..<size).reduce(into: values) { values, _ in values += last }
        }
        batch.maps = maps.map(filled)
        batch.targets = targets.map(filled)
        batch.labels += [Int32](repeating: labels[labels.count - 1], count: size - labels.count)
        return batch
    }
}
