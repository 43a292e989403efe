/// How an image of a folder becomes one of a batch.
public enum Augmentation: Sendable, Equatable {
    /// A random crop scaled with the bicubic filter, mirrored every second time if `flip`; images in random order.
    case training(crop: RandomCrop = .standard, flip: Bool = true)
    /// The whole image scaled with the bilinear filter; images in the folder's order.
    case evaluation
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
        case .training(let crop, let flip):
            var random = random
            let region = crop.region(width: image.width, height: image.height, using: &random)
            let flipped = flip && random.uniform() < 0.5
            var seen = try image.cropped(to: region).resized(width: size, height: size, filter: .bicubic)
            if flipped { seen = seen.flippedHorizontally() }
            let part = NormalizedRect(region, width: image.width, height: image.height)
            return Sample(image: seen.normalized(normalization), map: map?.cropped(to: part, flipped: flipped))
        case .evaluation:
            let seen = try image.resized(width: size, height: size, filter: .bilinear)
            return Sample(image: seen.normalized(normalization), map: map?.values)
        }
    }
}
