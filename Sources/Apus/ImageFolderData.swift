import ApusData
import ApusRuntime
import ApusSystem
import ApusTraining

/// The images of a folder with a subfolder for each class, and their classes.
///
/// *Shapes*: `images` f32 [n, 3, size, size], normalised, and `labels` i32 [n].
///
/// ```swift
/// let data = try ImageFolderData("pets/train", size: 64)
/// let test = try ImageFolderData("pets/test", size: 64, augmentation: .evaluation)
/// ```
public struct ImageFolderData: DataSource {
    private let loader: ImageLoader
    private let root: String
    private let inputs: (images: String, labels: String)

    /// Lists a folder; images are decoded when a batch needs them, and kept in memory up to `cacheBytes`.
    ///
    /// - Parameters:
    ///   - root: The folder; each folder in it is a class.
    ///   - size: Width and height that images are cropped and scaled to.
    ///   - augmentation: By default a random crop, mirrored every second time; ``Augmentation/evaluation`` and
    ///     ``Augmentation/wholeImage`` have nothing random.
    ///   - normalization: What is subtracted from each colour, and what it is divided by.
    ///   - seed: Draws crops, other ones in each epoch.
    ///   - threads: How many decode the images of a batch.
    ///   - skipUnreadable: Whether images that cannot be decoded are looked for now and left out (see ``skipped``);
    ///     otherwise the batch that needs one throws an error which names the file.
    ///   - decoder: How files become images.
    ///   - cacheBytes: Memory that decoded images may take.
    ///   - imageCache: A folder on disk that keeps decoded images, for other runs too; batches are the same without.
    ///   - inputs: What the step calls images and labels.
    /// - Throws: `DataError` for a folder without classes, a class without images, and sizes out of range.
    public init(
        _ root: String, size: Int, augmentation: Augmentation = .training(), normalization: Normalization = .imageNet,
        seed: Int = 0, threads: Int = Processors.available, skipUnreadable: Bool = false,
        decoder: ImageDecoder = ImageDecoder(), cacheBytes: Int = 512 << 20,
        imageCache: ImageCache? = nil, inputs: (images: String, labels: String) = ("images", "labels")
    ) throws(DataError) {
        loader = try ImageLoader(
            folder: ImageFolder(root: root), batchSize: 1, imageSize: size, augmentation: augmentation,
            normalization: normalization, seed: UInt64(bitPattern: Int64(seed)), threads: threads,
            skipUnreadable: skipUnreadable, decoder: decoder, cacheBytes: cacheBytes,
            imageCache: imageCache)
        (self.root, self.inputs) = (root, inputs)
    }

    /// Names of the classes that labels point to.
    public var classes: [String] { loader.classes }
    /// The class of each image.
    public var labels: [Int32] { loader.items.map(\.label) }
    /// Why images were left out, one error naming the file for each.
    public var skipped: [DataError] { loader.skipped }
    /// What a user should know of the folder, a line for each: files that are left out, and bits that are dropped.
    public var remarks: [String] { loader.remarks }

    public var count: Int { loader.items.count }

    public func batch(_ samples: [Int], epoch: Int) throws -> [String: TensorData] {
        let batch = try loader.batch(samples, epoch: epoch), side = loader.imageSize
        return [
            inputs.images: try batch.images.tensor(shape: [samples.count, 3, side, side]),
            inputs.labels: try TensorData(batch.labels),
        ]
    }

    /// The image's file.
    public func name(of sample: Int) -> String {
        loader.items.indices.contains(sample) ? loader.items[sample].path : "sample \(sample)"
    }

    public var identity: DataIdentity? {
        DataIdentity(classes: loader.classes, paths: loader.items.map(\.path), root: root)
    }
}
