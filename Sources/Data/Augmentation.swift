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

    /// Makes of a decoded image, and the map that covers it, the normalised numbers of `size` x `size` pixels, shape
    /// [3, size, size], and the map of what is seen.
    func apply(
        to image: RGBImage, map: SpatialMap?, size: Int, normalization: Normalization, random: CounterRandom,
        into target: UnsafeMutableBufferPointer<Float>
    ) throws(DataError) -> [Float]? {
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
            let (seen, part) = try image.middle(size: size)
            seen.normalize(normalization, into: target)
            return map?.cropped(to: part)
        case .wholeImage:
            let seen = try image.resized(width: size, height: size, filter: .bilinear)
            seen.normalize(normalization, into: target)
            return map?.values
        }
    }
}

extension RGBImage {
    /// The middle of the image as ``Augmentation/evaluation`` sees it, `size` x `size` pixels; throws `invalidArgument`
    /// for a size that no image can be scaled to.
    public func seenInEvaluation(size: Int) throws(DataError) -> RGBImage {
        try Self.checkTarget(size, size)
        return try middle(size: size).seen
    }

    /// The middle of the image in `size` x `size` pixels, and which part of the image it is.
    fileprivate func middle(size: Int) throws(DataError) -> (seen: RGBImage, part: NormalizedRect) {
        let scaled = try resized(shorterSide: size > 224 ? size : size * 256 / 224, filter: .bicubic)
        let middle = scaled.middle(width: size, height: size)
        return (try scaled.cropped(to: middle), NormalizedRect(middle, width: scaled.width, height: scaled.height))
    }

    /// The image scaled, sides in proportion, until the shorter one has so many pixels, as torchvision's `Resize` does.
    func resized(shorterSide: Int, filter: ResizeFilter) throws(DataError) -> RGBImage {
        let (short, long) = (min(width, height), max(width, height))
        let longerSide = shorterSide * long / short
        return try width <= height
            ? resized(width: shorterSide, height: longerSide, filter: filter)
            : resized(width: longerSide, height: shorterSide, filter: filter)
    }

    /// The central rectangle of a size that the image is not smaller than, as torchvision's `CenterCrop` places it.
    fileprivate func middle(width side: Int, height: Int) -> PixelRect {
        func start(_ room: Int) -> Int { Int((Double(room) / 2).rounded(.toNearestOrEven)) }
        return PixelRect(left: start(width - side), top: start(self.height - height), width: side, height: height)
    }
}
