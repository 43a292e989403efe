/// How an image of a folder becomes one of a batch.
public enum Augmentation: Sendable, Equatable {
    /// A random crop scaled with the bicubic filter, mirrored every second time if `flip`; images in random order.
    case training(crop: RandomCrop = .standard, flip: Bool = true, maps: MapCrop = .region)
    /// The middle of the image, as MAE evaluates: the shorter side is scaled with the bicubic filter to 256/224 of the
    /// size (beyond 224 pixels to the size itself), and the central square is cut out; images in the folder's order.
    case evaluation
    /// The whole image, both sides scaled to the size with the bilinear filter; images in the folder's order.
    case wholeImage
}

/// Which part of a map goes with a crop of its image.
public struct MapCrop: Sendable, Equatable {
    /// What tells it from others.
    public let name: String
    private let crop: @Sendable (SpatialMap, NormalizedRect, Int, Bool) -> [Float]

    /// Names a way to crop, which gets the map, the part of the image that is seen, the pixels per side that it is
    /// scaled to, and whether it is mirrored then; it gives as many numbers as the map has.
    public init(
        _ name: String,
        _ crop:
            @escaping @Sendable (
                _ map: SpatialMap, _ region: NormalizedRect, _ pixels: Int, _ flipped: Bool
            ) -> [Float]
    ) {
        (self.name, self.crop) = (name, crop)
    }

    /// The part that covers the crop.
    public static let region = MapCrop("region") { map, region, _, flipped in
        map.cropped(to: region, flipped: flipped)
    }

    public static func == (a: MapCrop, b: MapCrop) -> Bool { a.name == b.name }

    func callAsFunction(_ map: SpatialMap, to region: NormalizedRect, pixels: Int, flipped: Bool) -> [Float] {
        crop(map, region, pixels, flipped)
    }
}

extension Augmentation {
    var isTraining: Bool {
        if case .training = self { true } else { false }
    }

    /// What it takes of an image before anything random is done.
    func view(size: Int) -> ImageView {
        switch self {
        case .training: .decoded
        case .evaluation: .middle(size: size)
        case .wholeImage: .whole(size: size)
        }
    }

    /// Makes of the view of an image, and the map that covers the image, the normalised numbers of `size` x `size`
    /// pixels, shape [3, size, size], and the map of what is seen.
    func apply(
        to seen: SeenImage, map: SpatialMap?, size: Int, normalization: Normalization, random: CounterRandom,
        into target: UnsafeMutableBufferPointer<Float>
    ) throws(DataError) -> [Float]? {
        let image = seen.image
        switch self {
        case .training(let crop, let flip, let maps):
            var random = random
            let region = crop.region(width: image.width, height: image.height, using: &random)
            let flipped = flip && random.uniform() < 0.5
            var seen = try image.cropped(to: region).resized(width: size, height: size, filter: .bicubic)
            if flipped { seen = seen.flippedHorizontally() }
            let part = NormalizedRect(region, width: image.width, height: image.height)
            let seenMap = map.map { maps($0, to: part, pixels: size, flipped: flipped) }
            seen.normalize(normalization, into: target)
            return seenMap
        case .evaluation:
            image.normalize(normalization, into: target)
            let middle = ImageMiddle(width: seen.sourceWidth, height: seen.sourceHeight, size: size)
            return map?.cropped(to: middle.part)
        case .wholeImage:
            image.normalize(normalization, into: target)
            return map?.values
        }
    }
}

extension RGBImage {
    /// The middle of the image as ``Augmentation/evaluation`` sees it, `size` x `size` pixels; throws `invalidArgument`
    /// for a size that no image can be scaled to.
    public func seenInEvaluation(size: Int) throws(DataError) -> RGBImage {
        try Self.checkTarget(size, size)
        return try middle(size: size)
    }

    /// The same for a size that images can be scaled to.
    func middle(size: Int) throws(DataError) -> RGBImage {
        let middle = ImageMiddle(width: width, height: height, size: size)
        return try resized(width: middle.width, height: middle.height, filter: .bicubic).cropped(to: middle.region)
    }

    /// The image scaled, sides in proportion, until the shorter one has so many pixels, as torchvision's `Resize` does.
    func resized(shorterSide: Int, filter: ResizeFilter) throws(DataError) -> RGBImage {
        let (width, height) = Self.sides(width, height, shorter: shorterSide)
        return try resized(width: width, height: height, filter: filter)
    }

    /// Sides in the proportion of others, of which the shorter one has so many pixels.
    fileprivate static func sides(_ width: Int, _ height: Int, shorter: Int) -> (width: Int, height: Int) {
        let longer = shorter * max(width, height) / min(width, height)
        return width <= height ? (shorter, longer) : (longer, shorter)
    }
}

/// Where the middle of an image is that ``Augmentation/evaluation`` sees.
private struct ImageMiddle {
    /// The size that the image is scaled to.
    let width: Int, height: Int
    /// The central square of the scaled image, as torchvision's `CenterCrop` places it.
    let region: PixelRect

    /// Of an image of `width` x `height` pixels, in `size` x `size` pixels.
    init(width: Int, height: Int, size: Int) {
        func start(_ room: Int) -> Int { Int((Double(room) / 2).rounded(.toNearestOrEven)) }
        let scaled = RGBImage.sides(width, height, shorter: size > 224 ? size : size * 256 / 224)
        (self.width, self.height) = scaled
        region = PixelRect(
            left: start(scaled.width - size), top: start(scaled.height - size), width: size, height: size)
    }

    /// Which part of the image it is.
    var part: NormalizedRect { NormalizedRect(region, width: width, height: height) }
}
