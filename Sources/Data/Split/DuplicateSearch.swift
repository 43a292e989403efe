import ApusDigest
import ApusFiles
import ApusSystem
import Foundation

/// Images that different parts of a split share.
public struct DuplicateImages: Sendable, Equatable {
    /// Images that are equal, in two parts or more.
    public struct Group: Sendable, Equatable, CustomStringConvertible {
        /// Whether the files are equal byte by byte; if not, their pixels are.
        public let equalBytes: Bool
        /// The images, as `PART/CLASS/NAME`, ordered.
        public let images: [String]

        /// Up to six of the images, the first of each part before others.
        public var description: String {
            var parts = Set<Substring>()
            let isFirst = images.map { parts.insert($0.prefix { $0 != "/" }).inserted }
            let ordered = [true, false].flatMap { first in images.indices.filter { isFirst[$0] == first } }
            let named = ordered.prefix(6).sorted().map { images[$0].inOneLine }
            let more = images.count > named.count ? [" and \(images.count - named.count) more"] : []
            return named.joined(separator: " and ") + more.joined() + (equalBytes ? "" : " (equal pixels)")
        }
    }

    /// Groups of equal images, in the order of their first one.
    public let equal: [Group]
    /// How many pairs in different parts only look alike.
    public let similarCount: Int
    /// The first few of those pairs.
    public let similar: [Group]

    /// Why a split with these images is refused; nil if there are no equal ones.
    public var refusal: DataError? {
        guard let first = equal.first else { return nil }
        return DataError(
            .duplicateImages,
            "equal images lie in different parts: \(first)"
                + (equal.count > 1 ? ", and \(equal.count - 1) more groups" : ""),
            advice: "Remove the copies, or accept them with --allow-duplicates.")
    }
}

extension DataSplit {
    /// Looks for images that are in several parts: equal files, equal pixels, and pairs that look alike.
    ///
    /// Two images look alike if at most 8 of 256 comparisons of neighbours differ, when both are scaled down to 17 x 16
    /// (the difference hash). Throws what the decoder throws, `invalidArgument` for less than 1 thread, and
    /// `interrupted`.
    public func duplicates(
        threads: Int = Processors.available, limits: ImageDecoder.Limits = ImageDecoder.Limits(),
        shouldStop: () -> Bool = { false }
    ) throws(DataError) -> DuplicateImages {
        try LoaderArguments.check(threads: threads)
        func goOn() throws(DataError) {
            guard shouldStop() else { return }
            throw DataError(
                .interrupted, "stopped while it looked for equal images", advice: "Nothing was written.")
        }
        let prints = try fingerprints(threads, ImageDecoder(limits: limits), goOn: goOn)
        var groups: [DuplicateImages.Group] = []
        var known = Set<Set<Int>>()
        for (equalBytes, key) in [(true, \Fingerprint.bytes), (false, \Fingerprint.pixels)] {
            let equal = Dictionary(grouping: items.indices) { prints[$0][keyPath: key] }
            for members in equal.values
            where Set(members.map { partOfItem[$0] }).count > 1 && known.insert(Set(members)).inserted {
                groups.append(.init(equalBytes: equalBytes, images: members.map(place).sortedByBytes))
            }
        }
        groups.sort { ($0.images[0], $0.equalBytes ? 0 : 1) < ($1.images[0], $1.equalBytes ? 0 : 1) }
        var count = 0
        var similar: [DuplicateImages.Group] = []
        for first in items.indices {
            try goOn()
            for second in items.indices[(first + 1)...] where partOfItem[first] != partOfItem[second] {
                guard prints[first].looksLike(prints[second]), prints[first].pixels != prints[second].pixels else {
                    continue
                }
                count += 1
                if similar.count < 5 {
                    similar.append(.init(equalBytes: false, images: [place(first), place(second)].sortedByBytes))
                }
            }
        }
        return DuplicateImages(equal: groups, similarCount: count, similar: similar)
    }

    private func place(_ index: Int) -> String { "\(parts[partOfItem[index]].name)/\(items[index].target)" }

    private func fingerprints(
        _ threads: Int, _ decoder: ImageDecoder, goOn: () throws(DataError) -> Void
    ) throws(DataError) -> [Fingerprint] {
        let items = items
        let work = OrderedPrefetch<Result<Fingerprint, DataError>>(
            0..<items.count, threads: threads, ahead: 4 * threads
        ) { index in
            Result { () throws(DataError) in try Fingerprint(path: items[index].image, decoder) }
        }
        var prints: [Fingerprint] = []
        while let print = work.next() {
            try goOn()
            prints.append(try print.get())
        }
        return prints
    }
}

/// What tells images apart.
private struct Fingerprint: Sendable {
    let bytes: Digest
    let pixels: Digest
    private let differences: SIMD4<UInt64>

    init(path: String, _ decoder: ImageDecoder) throws(DataError) {
        let file = try FileAccess.read(path)
        bytes = Digest(file)
        do throws(DataError) {
            let content = try decoder.content(file)
            let image = content.image
            pixels = Digest(withUnsafeBytes(of: SIMD2(image.width, image.height)) { Array($0) } + content.sampleBytes)
            differences = try Self.differences(image)
        } catch {
            throw error.at(path)
        }
    }

    func looksLike(_ other: Fingerprint) -> Bool {
        let differing = differences ^ other.differences
        return (0..<4).reduce(0) { $0 + differing[$1].nonzeroBitCount } <= 8
    }

    private static func differences(_ image: RGBImage) throws(DataError) -> SIMD4<UInt64> {
        let small = try image.resized(width: 17, height: 16, filter: .bilinear)
        let grey = (0..<17 * 16).map { pixel in (0..<3).reduce(0) { $0 + Int(small.pixels[3 * pixel + $1]) } }
        var bits = SIMD4<UInt64>()
        for y in 0..<16 {
            for x in 0..<16 where grey[y * 17 + x] < grey[y * 17 + x + 1] { bits[y / 4] |= 1 << UInt64(y % 4 * 16 + x) }
        }
        return bits
    }
}
