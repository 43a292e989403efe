import ApusSystem
import Foundation

/// A synthetic set of medical-looking images, to try a training on without data of one's own.
///
/// Every image shows a slice through a body with organs, vessels and speckle, and one lesion that covers a few per cent
/// of it, anywhere in the tissue. The lesion's kind is the class; nothing else depends on it.
public enum PhantomDataSet {
    /// The names of the classes that can be had, in the order in which they are used.
    public static let classNames = PhantomLesion.Kind.allCases.map(\.rawValue)
    /// How many classes a set can have.
    public static let classCounts = 2...classNames.count
    /// The sizes that images can have, in pixels per side.
    public static let sizes = 32...1024

    /// How the images are laid out.
    public enum Layout: Sendable {
        /// A folder for each class: `CLASS/NNNN.png`.
        case classes
        /// Images and where their lesion is: `images/CLASS-NNNN.png` and `masks/lesion/CLASS-NNNN.png`. A mask is white
        /// inside the lesion's outline.
        case masks
    }

    /// Writes 8-bit grey images to `DIR/train` and `DIR/val`; both layouts get the same images.
    ///
    /// `train` and `validation` count the images of all classes together; they are spread over the classes as
    /// evenly as they can be. The same arguments give the same bytes. The folder gets its name when it is complete.
    /// Throws `invalidArgument`, `folderNotEmpty` (a folder with content is never written into), `folderInUse`,
    /// `interrupted` or `fileUnwritable`.
    public static func write(
        to directory: String, layout: Layout = .classes, classes: Int = 4, train: Int = 800, validation: Int = 200,
        size: Int = 96,
        seed: UInt64 = 0, threads: Int = Processors.available,
        shouldStop: () -> Bool = { false }
    ) throws(DataError) {
        guard classCounts.contains(classes) else {
            throw DataError(
                .invalidArgument, "\(classes) classes",
                advice: "Choose \(classCounts.lowerBound) to \(classCounts.upperBound) classes.")
        }
        guard sizes.contains(size) else {
            throw DataError(
                .invalidArgument, "images of \(size) pixels per side",
                advice: "Choose \(sizes.lowerBound) to \(sizes.upperBound) pixels.")
        }
        for (name, count) in [("train", train), ("validation", validation)] where count < classes {
            throw DataError(
                .invalidArgument, "\(name) is \(count), which leaves a class without images",
                advice: "Choose at least one image for each of the \(classes) classes.")
        }
        try LoaderArguments.check(threads: threads)
        let kinds = Array(PhantomLesion.Kind.allCases.prefix(classes))
        try NewFolder.make(directory) { (folder) throws(DataError) in
            try fill(folder, layout, kinds, [("train", train), ("val", validation)], size, seed, threads) {
                () throws(DataError) in
                if shouldStop() { throw .interrupted(directory) }
            }
        }
    }

    private static func fill(
        _ directory: String, _ layout: Layout, _ kinds: [PhantomLesion.Kind], _ parts: [(name: String, count: Int)],
        _ size: Int, _ seed: UInt64, _ threads: Int, goOn: () throws(DataError) -> Void
    ) throws(DataError) {
        for (split, (name, count)) in parts.enumerated() {
            let folder = "\(directory)/\(name)"
            let subfolders = layout == .classes ? kinds.map(\.rawValue) : ["images", "masks/lesion"]
            for subfolder in subfolders { try FileAccess.createFolder("\(folder)/\(subfolder)") }
            let slices = OrderedPrefetch(0..<count, threads: threads, ahead: 4 * threads) { index in
                // The place in the split is the "epoch": the two share no numbers.
                let random = CounterRandom(seed: seed, epoch: split, index: index, purpose: .phantom)
                return PhantomScene.draw(kinds[index % kinds.count], size: size, random: random)
            }
            var index = 0
            while let slice = slices.next() {
                try goOn()
                let (kind, file) = (kinds[index % kinds.count].rawValue, fileName(index / kinds.count))
                let image = try GreyImage(width: size, height: size, pixels: slice.pixels)
                switch layout {
                case .classes:
                    try image.writePNG(to: "\(folder)/\(kind)/\(file)")
                case .masks:
                    try image.writePNG(to: "\(folder)/images/\(kind)-\(file)")
                    try GreyImage(width: size, height: size, pixels: slice.mask).writePNG(
                        to: "\(folder)/masks/lesion/\(kind)-\(file)")
                }
                index += 1
            }
        }
    }

    /// At least four digits, so that names sort as numbers do.
    private static func fileName(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits + ".png"
    }
}
