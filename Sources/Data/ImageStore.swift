import ApusFiles

/// What a loader takes of an image before anything random is done to it.
enum ImageView: Hashable, Sendable {
    /// All pixels: crops begin and end at any of them.
    case decoded
    /// What ``Augmentation/evaluation`` sees, and what ``Augmentation/wholeImage`` does, in so many pixels per side.
    case middle(size: Int)
    case whole(size: Int)

    /// What tells it from others.
    fileprivate var name: String {
        switch self {
        case .decoded: "decoded"
        case .middle(let size): "middle \(size)"
        case .whole(let size): "whole \(size)"
        }
    }

    /// The most bytes of its pixels.
    fileprivate func mostBytes(_ limits: ImageDecoder.Limits) -> Int {
        switch self {
        case .decoded: 3 * min(limits.pixels, 1 << 31)
        case .middle(let size), .whole(let size): 3 * size * size
        }
    }
}

/// A view of an image, and the size of the image.
struct SeenImage: Sendable {
    let image: RGBImage
    let sourceWidth: Int, sourceHeight: Int

    /// The view of a decoded image; throws `invalidArgument` for a size that no image can be scaled to.
    init(_ decoded: RGBImage, _ view: ImageView) throws(DataError) {
        (sourceWidth, sourceHeight) = (decoded.width, decoded.height)
        switch view {
        case .decoded: image = decoded
        case .middle(let size): image = try decoded.middle(size: size)
        case .whole(let size): image = try decoded.resized(width: size, height: size, filter: .bilinear)
        }
    }
}

/// The images of a loader by path: from memory, from a cache on disk, or from their files.
final class ImageStore: Sendable {
    private struct Key: Hashable, Sendable {
        let path: ExactText, view: ImageView
    }

    private let decoder: ImageDecoder
    private let cache: ImageCache?
    private let kept: KeptValues<Key, SeenImage>

    /// Keeps up to `budget` bytes in memory.
    init(_ decoder: ImageDecoder, budget: Int, cache: ImageCache?) {
        (self.decoder, self.cache) = (decoder, cache)
        kept = KeptValues(budget: budget) { $0.image.pixels.count }
    }

    /// A view of the image at `path`; throws what decoding throws, with the path.
    func image(_ path: String, _ view: ImageView) throws(DataError) -> SeenImage {
        let path = ExactText(path)
        if view != .decoded, let decoded = kept[Key(path: path, view: .decoded)] {
            return try seen(decoded.image, view, path.text)
        }
        return try kept.value(Key(path: path, view: view)) { () throws(DataError) in
            guard let cache else { return try seen(decoder.decode(path: path.text), view, path.text) }
            let source = CacheSource(paths: [path.text], decoder: decoder, purpose: view.name)
            return try cache.value(
                source, most: view.mostBytes(decoder.limits), fits: { $0.fits(view, decoder.limits) }
            ) { () throws(DataError) in
                try seen(decoder.decode(path: path.text), view, path.text)
            }
        }
    }

    private func seen(_ decoded: RGBImage, _ view: ImageView, _ path: String) throws(DataError) -> SeenImage {
        do {
            return try SeenImage(decoded, view)
        } catch {
            throw error.at(path)
        }
    }
}

extension SeenImage {
    /// Whether it may be the view of some image that the limits allow.
    fileprivate func fits(_ view: ImageView, _ limits: ImageDecoder.Limits) -> Bool {
        guard max(sourceWidth, sourceHeight) <= limits.side else { return false }
        switch view {
        case .decoded: return (image.width, image.height) == (sourceWidth, sourceHeight)
        case .middle(let size), .whole(let size): return (image.width, image.height) == (size, size)
        }
    }
}

extension SeenImage: CachedValue {
    init?(_ entry: CacheEntry) {
        let numbers = entry.numbers.map { Int($0) }, (width, height) = (numbers[0], numbers[1])
        let (count, isOverflowing) = width.multipliedReportingOverflow(by: height)
        guard width > 0, height > 0, numbers[2] > 0, numbers[3] > 0, !isOverflowing, count < 1 << 40 else { return nil }
        switch entry.bytes.count {
        case 3 * count: image = RGBImage(width: width, height: height, checkedPixels: entry.bytes)
        case count: image = RGBImage(width: width, height: height, grey: entry.bytes)
        default: return nil
        }
        (sourceWidth, sourceHeight) = (numbers[2], numbers[3])
    }

    /// One byte for each pixel of a grey image.
    var entry: CacheEntry {
        CacheEntry([image.width, image.height, sourceWidth, sourceHeight], image.greyLevels ?? image.pixels)
    }
}

extension RGBImage {
    /// A grey image of so many levels.
    fileprivate init(width: Int, height: Int, grey: [UInt8]) {
        let pixels = [UInt8](unsafeUninitializedCapacity: 3 * grey.count) { target, count in
            for (place, level) in grey.enumerated() {
                target[3 * place] = level
                target[3 * place + 1] = level
                target[3 * place + 2] = level
            }
            count = 3 * grey.count
        }
        self.init(width: width, height: height, checkedPixels: pixels)
    }

    /// One level for each pixel; nil if there are colours.
    fileprivate var greyLevels: [UInt8]? {
        pixels.withUnsafeBufferPointer { pixels in
            for place in stride(from: 0, to: pixels.count, by: 3)
            where pixels[place] != pixels[place + 1] || pixels[place] != pixels[place + 2] { return nil }
            return [UInt8](unsafeUninitializedCapacity: pixels.count / 3) { target, count in
                count = pixels.count / 3
                for place in 0..<count { target[place] = pixels[3 * place] }
            }
        }
    }
}
