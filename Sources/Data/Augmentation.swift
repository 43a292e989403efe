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

/// Which part of an attention map goes with a crop of its image.
public enum MapCrop: String, Sendable, CaseIterable {
    /// The part that covers the crop.
    case region
    /// The top left two or three cells each way, stretched over the crop, as MSMAE's released code has it.
    case released
}

/// One image ready for a batch.
struct Sample: Sendable {
    let image: [Float]
    let map: [Float]?
}

extension Augmentation {
    var isTraining: Bool {
        if case .training = self { true } else { false }
    }

    /// Turns a decoded image, and the map that covers it, into `size` x `size` pixels and the map of what is seen.
    func apply(
        to image: RGBImage, map: AttentionMap?, size: Int, normalization: Normalization, random: CounterRandom
    ) throws(DataError) -> Sample {
        switch self {
        case .training(let crop, let flip, let maps):
            var random = random
            let region = crop.region(width: image.width, height: image.height, using: &random)
            let flipped = flip && random.uniform() < 0.5
            var seen = try image.cropped(to: region).resized(width: size, height: size, filter: .bicubic)
            if flipped { seen = seen.flippedHorizontally() }
            let part = NormalizedRect(region, width: image.width, height: image.height)
            let seenMap =
                switch maps {
                case .region: map?.cropped(to: part, flipped: flipped)
                case .released: map?.croppedAsReleased(to: part, pixels: size, flipped: flipped)
                }
            return Sample(image: seen.normalized(normalization), map: seenMap)
        case .evaluation:
            let (seen, part) = try image.middle(size: size)
            return Sample(image: seen.normalized(normalization), map: map?.cropped(to: part))
        case .wholeImage:
            let seen = try image.resized(width: size, height: size, filter: .bilinear)
            return Sample(image: seen.normalized(normalization), map: map?.values)
        }
    }
}

extension RGBImage {
    /// The middle of the image as ``Augmentation/evaluation`` sees it, `size` x `size` pixels.
    public func seenInEvaluation(size: Int) throws(DataError) -> RGBImage { try middle(size: size).seen }

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
