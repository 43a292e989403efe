import ApusFiles
import ApusSystem
import Foundation

/// How the images of a segmentation folder become those of a batch; all are scaled to squares, both sides alone.
public enum SegmentationAugmentation: Sendable, Equatable {
    /// Every second image is turned by 0 to 3 quarters, all alike; images in random order.
    case training
    /// Images as they are, in the folder's order.
    case evaluation
}

/// Reads, augments and batches images and their masks on background threads.
///
/// As with ``ImageLoader``, what an epoch holds is a function of the folder, the seed and the epoch's number alone.
public final class SegmentationLoader: Sendable {
    /// The images that are served, with their masks.
    public let items: [SegmentationFolder.Item]
    /// Names of the classes; a mask's channel is an index into them.
    public let classes: [String]
    /// Images per batch, or of a part of one where ranks share it; only the last batch of an epoch may have fewer.
    public let batchSize: Int
    /// Width and height of the images in a batch.
    public let imageSize: Int
    /// What is done to the images.
    public let augmentation: SegmentationAugmentation
    /// What a user should know of the folder, a line for each: files that are left out, bits that are dropped, and
    /// classes that are nowhere.
    public let remarks: [String]

    private let share: DataShare
    private let seed: UInt64
    private let threads: Int
    private let normalization: Normalization
    private let store: ScaledItems

    /// Prepares a folder, and decodes everything in it once, so that a mask that cannot be used is found before
    /// training begins.
    ///
    /// Images are scaled with the bilinear filter, masks by taking the nearest pixel; both are kept in memory, scaled,
    /// up to `cacheBytes`, and on disk with an `imageCache`. The decoder's ``ImageDecoder/shorterSide`` does not count,
    /// since images are scaled at once. With a `share`, `batchSize` images are in each part of a batch.
    ///
    /// Throws `invalidArgument`, `batchTooLarge` (in training, where batches have to be full), `maskSizeDiffers`,
    /// `greyMask`, or what the decoder throws; each names the file.
    public init(
        folder: SegmentationFolder, batchSize: Int, imageSize: Int, augmentation: SegmentationAugmentation,
        normalization: Normalization = .imageNet, seed: UInt64,
        threads: Int = Processors.available,
        decoder: ImageDecoder = ImageDecoder(), cacheBytes: Int = 512 << 20,
        imageCache: ImageCache? = nil, share: DataShare = .whole
    ) throws(DataError) {
        try LoaderArguments.check(batchSize: batchSize, imageSize: imageSize, threads: threads)
        if augmentation == .training, batchSize * share.count > folder.items.count {
            throw LoaderArguments.batchTooLarge(batchSize * share.count, items: folder.items.count, path: folder.root)
        }
        let items = folder.items
        var decoder = decoder
        decoder.shorterSide = nil
        store = ScaledItems(items, size: imageSize, decoder, budget: cacheBytes, cache: imageCache)
        (self.items, classes, self.batchSize, self.imageSize) = (items, folder.classes, batchSize, imageSize)
        self.share = share
        (self.augmentation, self.normalization, self.seed, self.threads) = (augmentation, normalization, seed, threads)
        let isAnywhere = try Self.checkAll(items, store, threads)
        remarks =
            [
                folder.leftOut?.description,
                DroppedBits.remark(items.map(\.image), in: folder.root, decoder, threads: threads),
            ].compactMap(\.self)
            + folder.classes.indices.filter { !isAnywhere[$0] }.map { number in
                let masks = "\(folder.root)/masks/\(folder.classes[number])"
                return
                    "all \(items.count) masks in \(masks.inOneLine) are black: there is nothing to find of that class"
            }
    }

    /// How many batches an epoch has.
    public func batchCount(dropLast: Bool) -> Int {
        (items.count + (dropLast ? 0 : batchSize * share.count - 1)) / (batchSize * share.count)
    }

    /// Starts to read epoch `epoch` from batch `startingAtBatch` on; `dropLast` leaves out a last batch that is not
    /// full.
    ///
    /// Throws `invalidArgument` for a batch beyond the end, and `batchTooLarge` if `dropLast` leaves nothing.
    public func epoch(_ epoch: Int, startingAtBatch: Int = 0, dropLast: Bool) throws(DataError) -> SegmentationBatches {
        let batches = batchCount(dropLast: dropLast)
        try LoaderArguments.check(
            startingAtBatch: startingAtBatch, of: batches, batchSize: batchSize, items: items.count)
        let order = share.own(order(ofEpoch: epoch), batchSize: batchSize)
        let ownPart = batchSize * share.parts.count, end = min(batches * ownPart, order.count)
        let positions = min(startingAtBatch * ownPart, end)..<end
        let pixels = imageSize * imageSize
        return SegmentationBatches(
            SampleQueue(
                positions, order: order, batchSize: batchSize, sizes: [3 * pixels, classes.count * pixels],
                threads: threads
            ) { [self] item, parts throws(DataError) in
                try write(item, epoch: epoch, image: parts[0], masks: parts[1])
            })
    }

    private func order(ofEpoch epoch: Int) -> [Int] {
        guard augmentation == .training else { return Array(items.indices) }
        var random = CounterRandom(seed: seed, epoch: epoch, purpose: .order)
        return random.permutation(of: items.count)
    }

    private func write(
        _ index: Int, epoch: Int, image: UnsafeMutableBufferPointer<Float>, masks: UnsafeMutableBufferPointer<Float>
    ) throws(DataError) {
        var item = try store.item(index)
        if augmentation == .training {
            var random = CounterRandom(seed: seed, epoch: epoch, index: index, purpose: .augmentation)
            // As albumentations' RandomRotate90, which leaves half of the images alone before it draws a number of
            // turns.
            if random.uniform() < 0.5 { item = item.turned(by: random.integer(below: 4)) }
        }
        item.image.normalize(normalization, into: image)
        for (number, mask) in item.masks.enumerated() {
            for (place, value) in mask.enumerated() { masks[number * mask.count + place] = Float(value) }
        }
    }

    /// Makes all items once, and returns for each class whether it is in any of them; throws the first error, in the
    /// order of the items.
    private static func checkAll(
        _ items: [SegmentationFolder.Item], _ store: ScaledItems, _ threads: Int
    ) throws(DataError) -> [Bool] {
        let checks = OrderedPrefetch<Result<[Bool], DataError>>(
            0..<items.count, threads: threads, ahead: items.count
        ) { index in
            Result { () throws(DataError) in try store.item(index).isAnywhere }
        }
        var isAnywhere = [Bool](repeating: false, count: items[0].masks.count)
        while let check = checks.next() {
            for (number, isHere) in try check.get().enumerated() where isHere { isAnywhere[number] = true }
        }
        return isAnywhere
    }
}
