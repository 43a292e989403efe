/// Images and their masks at the size of a batch's images: from memory, from a cache on disk, or from their files.
final class ScaledItems: Sendable {
    private let items: [SegmentationFolder.Item]
    private let size: Int
    private let decoder: ImageDecoder
    private let cache: ImageCache?
    private let kept: KeptValues<Int, ScaledItem>

    /// Keeps up to `budget` bytes in memory.
    init(
        _ items: [SegmentationFolder.Item], size: Int, _ decoder: ImageDecoder, budget: Int, cache: ImageCache?
    ) {
        (self.items, self.size, self.decoder, self.cache) = (items, size, decoder, cache)
        kept = KeptValues(budget: budget, size: \.bytes)
    }

    /// The item of a number; throws what decoding throws, with the path.
    func item(_ number: Int) throws(DataError) -> ScaledItem {
        let item = items[number]
        return try kept.value(number) { () throws(DataError) in
            guard let cache else { return try ScaledItem(item, size: size, decoder: decoder) }
            let source = CacheSource(
                paths: [item.image] + item.masks, decoder: decoder, purpose: "segmentation \(size)")
            let area = size * size, classes = item.masks.count
            return try cache.value(
                source, most: 3 * area + classes * (area + 1),
                fits: { $0.image.width == size && $0.masks.count == classes }
            ) { () throws(DataError) in
                try ScaledItem(item, size: size, decoder: decoder)
            }
        }
    }
}

/// An image and its masks at the size of a batch's images.
struct ScaledItem: Sendable {
    let image: RGBImage
    /// 0 and 1, one list for each class.
    let masks: [[UInt8]]
    /// For each class, whether a pixel of the whole mask is inside.
    let isAnywhere: [Bool]

    var bytes: Int { image.pixels.count + masks.reduce(0) { $0 + $1.count } }

    init(_ item: SegmentationFolder.Item, size: Int, decoder: ImageDecoder) throws(DataError) {
        let whole = try decoder.decode(path: item.image)
        let found = try item.masks.map { path throws(DataError) in
            let mask = try Mask(path: path, limits: decoder.limits)
            guard mask.width == whole.width, mask.height == whole.height else {
                throw DataError(
                    .maskSizeDiffers,
                    "the mask has \(mask.width) x \(mask.height) pixels and its image \(whole.width) x \(whole.height)",
                    path: path,
                    advice: "Export the mask at the size of its image.")
            }
            return (scaled: try mask.scaled(width: size, height: size), isAnywhere: mask.values.contains(1))
        }
        (masks, isAnywhere) = (found.map(\.scaled), found.map(\.isAnywhere))
        do {
            image = try whole.resized(width: size, height: size, filter: .bilinear)
        } catch {
            throw error.at(item.image)
        }
    }

    private init(image: RGBImage, masks: [[UInt8]], isAnywhere: [Bool]) {
        (self.image, self.masks, self.isAnywhere) = (image, masks, isAnywhere)
    }

    /// Turned to the left by quarters, as numpy's `rot90` does.
    func turned(by quarters: Int) -> ScaledItem {
        let side = image.width
        func turn(_ pixels: [UInt8], _ channels: Int) -> [UInt8] {
            var turned = pixels
            for y in 0..<side {
                for x in 0..<side {
                    let source =
                        switch quarters {
                        case 1: x * side + side - 1 - y
                        case 2: (side - 1 - y) * side + side - 1 - x
                        case 3: (side - 1 - x) * side + y
                        default: y * side + x
                        }
                    for channel in 0..<channels {
                        turned[(y * side + x) * channels + channel] = pixels[source * channels + channel]
                    }
                }
            }
            return turned
        }
        return ScaledItem(
            image: RGBImage(width: side, height: side, checkedPixels: turn(image.pixels, 3)),
            masks: masks.map { turn($0, 1) }, isAnywhere: isAnywhere)
    }
}

extension ScaledItem: CachedValue {
    init?(_ entry: CacheEntry) {
        let side = Int(entry.numbers[0]), classes = Int(entry.numbers[1])
        guard (1...1 << 16).contains(side), (1...1 << 16).contains(classes),
            case let area = side * side, entry.bytes.count == 3 * area + classes * (area + 1)
        else { return nil }
        var rest = entry.bytes[...]
        func take(_ count: Int) -> [UInt8] {
            defer { rest = rest.dropFirst(count) }
            return Array(rest.prefix(count))
        }
        image = RGBImage(width: side, height: side, checkedPixels: take(3 * area))
        masks = (0..<classes).map { _ in take(area).map { $0 == 0 ? 0 : 1 } }
        isAnywhere = rest.map { $0 != 0 }
    }

    var entry: CacheEntry {
        CacheEntry([image.width, masks.count], image.pixels + masks.joined() + isAnywhere.map { $0 ? 1 : 0 })
    }
}
