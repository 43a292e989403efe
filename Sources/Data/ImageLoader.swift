import ApusFiles
import ApusSystem
import Foundation

/// Reads, augments and batches the images of a folder on background threads.
///
/// What an epoch holds is a function of the folder, the seed and the epoch's number alone: the number of threads,
/// earlier epochs, and starting in the middle of an epoch change nothing.
public final class ImageLoader: Sendable {
    /// The images that are served; unreadable ones are left out if that was asked for.
    public let items: [ImageFolder.Item]
    /// Names of the classes that labels point to.
    public let classes: [String]
    /// Images per batch, or of a part of one where ranks share it; only the last batch of an epoch may have fewer.
    public let batchSize: Int
    /// Width and height of the images in a batch.
    public let imageSize: Int
    /// The sides, in pixels, that images can be scaled to.
    public static let imageSizes = 1...16384
    /// What is done to the images.
    public let augmentation: Augmentation
    /// Cells per side of the images' maps, if maps are used.
    public let mapGrid: Int?
    /// Why images of the folder were left out, one error naming the file for each.
    public let skipped: [DataError]
    /// What a user should know of the folder, a line for each: files that are left out, and bits that are dropped.
    public let remarks: [String]

    private let share: DataShare
    private let skipsUnreadable: Bool
    private let seed: UInt64
    private let threads: Int
    private let normalization: Normalization
    private let store: ImageStore

    /// Prepares a folder's images.
    ///
    /// With `skipUnreadable`, all images are decoded once now and those that fail are left out and reported in
    /// `skipped`, so that batches stay full and every run over the same files is the same; without it, the first epoch
    /// that meets such an image throws. What is needed of the images is kept in memory up to `cacheBytes`, and on disk
    /// with an `imageCache`: all pixels for random crops, and what is seen where nothing is random. With a `share`,
    /// `batchSize` images are in each part of a batch, and other ranks read the parts that are not this one's.
    ///
    /// Throws `invalidArgument`, `batchTooLarge` (in training, where batches have to be full), `emptyClass` if skipping
    /// leaves a class without images, or `noIntensities` if the decoder has a window and the first image none.
    public init(
        folder: ImageFolder, batchSize: Int, imageSize: Int, augmentation: Augmentation,
        normalization: Normalization = .imageNet, seed: UInt64,
        threads: Int = Processors.available, skipUnreadable: Bool = false,
        mapGrid: Int? = nil, decoder: ImageDecoder = ImageDecoder(), cacheBytes: Int = 512 << 20,
        imageCache: ImageCache? = nil, share: DataShare = .whole
    ) throws(DataError) {
        try LoaderArguments.check(batchSize: batchSize, imageSize: imageSize, threads: threads, mapGrid: mapGrid ?? 1)
        let store = ImageStore(decoder, budget: cacheBytes, cache: imageCache)
        let checks = Self.checks(
            of: skipUnreadable ? folder.items : [], augmentation.view(size: imageSize), store, threads)
        var failures: [DataError] = []
        while let check = checks.next() {
            if case .failure(let error) = check { failures.append(error) }
        }
        let bad = Set(failures.compactMap { $0.path.map(ExactText.init) })
        let items = folder.items.filter { !bad.contains(ExactText($0.path)) }
        for (label, name) in folder.classes.enumerated() where !items.contains(where: { $0.label == label }) {
            throw ImageFolder.emptyClass(name, path: "\(folder.root)/\(name)")
        }
        if augmentation.isTraining, batchSize * share.count > items.count {
            throw LoaderArguments.batchTooLarge(batchSize * share.count, items: items.count, path: folder.root)
        }
        // A window that does not fit these images is the user's mistake, and not that of the image that is met first.
        if let first = items.first, decoder.window != nil {
            do throws(DataError) {
                _ = try decoder.decode(path: first.path)
            } catch {
                if error.code == .noIntensities { throw error }
            }
        }
        self.items = items
        classes = folder.classes
        self.batchSize = batchSize
        self.imageSize = imageSize
        self.augmentation = augmentation
        self.mapGrid = mapGrid
        skipped = failures
        remarks =
            [
                folder.leftOut?.description,
                DroppedBits.remark(items.map(\.path), in: folder.root, decoder, threads: threads),
            ]
            .compactMap(\.self)
        skipsUnreadable = skipUnreadable
        self.share = share
        self.seed = seed
        self.threads = threads
        self.normalization = normalization
        self.store = store
    }

    /// A loader of whole images in order, over the same items and the same decoded images as `loader`; with a `share`,
    /// of one rank's batches.
    public init(wholeImagesOf loader: ImageLoader, share: DataShare = .whole) {
        items = loader.items
        classes = loader.classes
        batchSize = loader.batchSize
        imageSize = loader.imageSize
        augmentation = .wholeImage
        mapGrid = loader.mapGrid
        skipped = loader.skipped
        remarks = loader.remarks
        skipsUnreadable = loader.skipsUnreadable
        self.share = share
        seed = loader.seed
        threads = loader.threads
        normalization = loader.normalization
        store = loader.store
    }

    /// Decodes all images once, so that one that cannot be read is found now and not in the middle of an epoch; throws
    /// the first error, in the order of the images. After some images, `foresee` is told the seconds that the others
    /// will take.
    public func checkImages(_ foresee: (_ seconds: Double) -> Void = { _ in }) throws(DataError) {
        guard !skipsUnreadable else { return }
        let checks = Self.checks(of: items, augmentation.view(size: imageSize), store, threads)
        let start = Date(), sample = 64
        var checked = 0
        while let check = checks.next() {
            try check.get()
            checked += 1
            if checked == sample {
                foresee(Date().timeIntervalSince(start) * Double(items.count - sample) / Double(sample))
            }
        }
    }

    /// How many batches an epoch has.
    public func batchCount(dropLast: Bool) -> Int {
        (items.count + (dropLast ? 0 : batchSize * share.count - 1)) / (batchSize * share.count)
    }

    /// Places in `items` in the order in which epoch `epoch` visits them, on all ranks.
    public func order(ofEpoch epoch: Int) -> [Int] {
        guard augmentation.isTraining else { return Array(items.indices) }
        var random = CounterRandom(seed: seed, epoch: epoch, purpose: .order)
        return random.permutation(of: items.count)
    }

    /// Starts to read epoch `epoch` from batch `startingAtBatch` on.
    ///
    /// `maps` has the shape [items, grid, grid], each covering a whole image. `dropLast` leaves out a last batch that
    /// is not full. Throws `invalidArgument` for maps of another shape or a batch beyond the end, and
    /// `batchTooLarge` if `dropLast` leaves nothing.
    public func epoch(
        _ epoch: Int, startingAtBatch: Int = 0, maps: [Float]? = nil, dropLast: Bool
    ) throws(DataError) -> EpochBatches {
        let cells = (mapGrid ?? 0) * (mapGrid ?? 0)
        if let maps, maps.count != items.count * cells || cells == 0 {
            throw DataError(
                .invalidArgument,
                "\(maps.count) map weights for \(items.count) images with \(cells) cells each",
                advice: "Set mapGrid and give one map for each image, in the order of the items.")
        }
        let batches = batchCount(dropLast: dropLast)
        try LoaderArguments.check(
            startingAtBatch: startingAtBatch, of: batches, batchSize: batchSize, items: items.count)
        let order = share.own(order(ofEpoch: epoch), batchSize: batchSize)
        let ownPart = batchSize * share.parts.count, end = min(batches * ownPart, order.count)
        let positions = min(startingAtBatch * ownPart, end)..<end
        let sizes = [3 * imageSize * imageSize] + (maps == nil ? [] : [cells])
        return EpochBatches(
            SampleQueue(positions, order: order, batchSize: batchSize, sizes: sizes, threads: threads) {
                [self] item, parts throws(DataError) in
                let map = try write(item, epoch: epoch, maps: maps, into: parts[0])
                if let map { _ = parts[1].update(fromContentsOf: map) }
            }, items: items)
    }

    /// Some images, by their places in ``items``, as they are seen in an epoch, without their maps.
    ///
    /// Throws `invalidArgument` for places that there are not or none at all, and the error, which names the file, of
    /// an image that cannot be decoded.
    package func batch(_ places: [Int], epoch: Int) throws(DataError) -> Batch {
        if let place = places.first(where: { !items.indices.contains($0) }) ?? (places.isEmpty ? -1 : nil) {
            throw DataError(
                .invalidArgument, "there is no image \(place)", advice: "Ask for images from 0 to \(items.count - 1).")
        }
        let batches = EpochBatches(
            SampleQueue(
                places.indices, order: places, batchSize: places.count, sizes: [3 * imageSize * imageSize],
                threads: threads
            ) { [self] item, parts throws(DataError) in _ = try write(item, epoch: epoch, maps: nil, into: parts[0]) },
            items: items)
        guard let batch = try batches.next() else {
            throw DataError(.invalidArgument, "there are no images", advice: "Ask for one at least.")
        }
        return batch
    }

    /// Writes an image's numbers, and returns its map.
    private func write(
        _ index: Int, epoch: Int, maps: [Float]?, into target: UnsafeMutableBufferPointer<Float>
    ) throws(DataError) -> [Float]? {
        var map: SpatialMap?
        if let maps, let mapGrid {
            let cells = mapGrid * mapGrid
            map = try SpatialMap(grid: mapGrid, values: Array(maps[index * cells..<(index + 1) * cells]))
        }
        let image = try store.image(items[index].path, augmentation.view(size: imageSize))
        do {
            return try augmentation.apply(
                to: image, map: map, size: imageSize, normalization: normalization,
                random: CounterRandom(seed: seed, epoch: epoch, index: index, purpose: .augmentation), into: target)
        } catch {
            throw error.at(items[index].path)
        }
    }

    /// Decodes all items in the background.
    private static func checks(
        of items: [ImageFolder.Item], _ view: ImageView, _ store: ImageStore, _ threads: Int
    ) -> OrderedPrefetch<Result<Void, DataError>> {
        OrderedPrefetch(0..<items.count, threads: threads, ahead: items.count) { position in
            Result { () throws(DataError) in _ = try store.image(items[position].path, view) }
        }
    }
}
