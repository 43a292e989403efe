/// Mixes the images of a batch in pairs, and their classes alike, as timm's `Mixup` does for whole batches.
///
/// An image is mixed with the one as far from the batch's end as it is from its beginning. With λ drawn from Beta(α,
/// α), mixup makes λ of the one and 1 - λ of the other (Zhang et al. 2018); cutmix puts a rectangle of the other into
/// the one (Yun et al. 2019), and λ is the share of the area that is left. Maps are mixed like the images
/// that they belong to.
public struct Mixup: Sendable, Equatable {
    /// α of mixup; 0 switches it off.
    public let mixup: Double
    /// α of cutmix; 0 switches it off.
    public let cutmix: Double
    /// How often a batch is mixed at all.
    public let probability: Double
    /// How often it is cutmix, where both are switched on.
    public let switchProbability: Double
    /// Share of each target that is spread over all classes.
    public let smoothing: Double

    /// Sets all; throws `invalidArgument` for a negative α or a share outside of 0...1.
    public init(
        mixup: Double, cutmix: Double, probability: Double = 1, switchProbability: Double = 0.5, smoothing: Double = 0.1
    ) throws(DataError) {
        for (name, value) in [("mixup", mixup), ("cutmix", cutmix)] where !(value >= 0 && value.isFinite) {
            throw DataError(
                .invalidArgument, "\(name) is \(value)", advice: "Give a number from 0 on; 0 switches it off.")
        }
        for (name, value) in [
            ("probability", probability), ("switchProbability", switchProbability), ("smoothing", smoothing),
        ]
        where !(0...1).contains(value) {
            throw DataError(.invalidArgument, "\(name) is \(value)", advice: "Give a number from 0 to 1.")
        }
        (self.mixup, self.cutmix, self.probability, self.switchProbability) = (
            mixup, cutmix, probability, switchProbability
        )
        self.smoothing = smoothing
    }

    /// Whether there is anything to mix.
    public var isOn: Bool { mixup > 0 || cutmix > 0 }

    /// The batch mixed, with its `targets` set; what is drawn is a function of seed, epoch and the batch's number in
    /// it. Throws `invalidArgument` if the batch has a class beyond `classes`.
    public func mixed(_ batch: Batch, classes: Int, seed: UInt64, epoch: Int, number: Int) throws(DataError) -> Batch {
        if let label = batch.labels.first(where: { !(0..<max(classes, 0)).contains(Int($0)) }) {
            throw DataError(
                .invalidArgument, "a batch with the class \(label) is to be mixed among \(classes) classes",
                advice: "Give the number of classes that the loader has.")
        }
        var random = CounterRandom(seed: seed, epoch: epoch, index: number, purpose: .mixing)
        var batch = batch
        let share = mixImages(of: &batch, using: &random)
        let off = Float(smoothing) / Float(classes), on = 1 - Float(smoothing) + off
        var targets = [Float](repeating: off, count: batch.labels.count * classes)
        for (row, label) in batch.labels.enumerated() {
            let other = batch.labels[batch.labels.count - 1 - row]
            targets[row * classes + Int(label)] += (on - off) * share
            targets[row * classes + Int(other)] += (on - off) * (1 - share)
        }
        batch.targets = targets
        return batch
    }

    /// Mixes images and maps in place, and returns which share of each image is its own.
    private func mixImages(of batch: inout Batch, using random: inout CounterRandom) -> Float {
        guard isOn, batch.count > 0, random.uniform() < probability else { return 1 }
        let cuts = mixup > 0 && cutmix > 0 ? random.uniform() < switchProbability : cutmix > 0
        let own = random.beta(cuts ? cutmix : mixup)
        let images = batch.labels.count
        let part: Blend, share: Float
        if cuts {
            let side = Blend.side(batch.images.count, planes: 3 * images)
            let box = Self.box(leaving: own, of: side, using: &random)
            (part, share) = (
                .rectangle(box, of: side), 1 - Float(box.rows.count * box.columns.count) / Float(side * side)
            )
        } else {
            (part, share) = (.even(Float(own)), Float(own))
        }
        batch.images.withMutableNumbers { part.apply(to: $0, images: images, channels: 3) }
        batch.maps?.withUnsafeMutableBufferPointer { part.apply(to: $0, images: images, channels: 1) }
        return share
    }

    /// A rectangle around a random place that leaves `share` of a square image, or more where the edge cuts it.
    private static func box(leaving share: Double, of side: Int, using random: inout CounterRandom) -> Box {
        let half = Int(Double(side) * (1 - share).squareRoot()) / 2
        let (y, x) = (random.integer(below: side), random.integer(below: side))
        return Box(rows: max(y - half, 0)..<min(y + half, side), columns: max(x - half, 0)..<min(x + half, side))
    }
}

/// Pixels of an image that are replaced.
private struct Box {
    let rows: Range<Int>
    let columns: Range<Int>
}

/// What each place of an image keeps of itself; the rest comes from the other image.
private enum Blend {
    case even(Float)
    case rectangle(Box, of: Int)

    /// Side of square planes.
    static func side(_ count: Int, planes: Int) -> Int { Int(Double(count / planes).squareRoot().rounded()) }

    /// Mixes images of square planes in pairs: the first with the last, and so on.
    func apply(to values: UnsafeMutableBufferPointer<Float>, images: Int, channels: Int) {
        let side = Self.side(values.count, planes: images * channels)
        let kept = kept(side)
        let size = values.count / images
        for image in 0..<(images + 1) / 2 {
            for place in 0..<size {
                let own = kept[place % (side * side)]
                // What is kept whole is not touched, so that it keeps its bits.
                guard own < 1 else { continue }
                let (first, second) = (image * size + place, (images - 1 - image) * size + place)
                let (a, b) = (values[first], values[second])
                values[first] = own * a + (1 - own) * b
                values[second] = own * b + (1 - own) * a
            }
        }
    }

    /// For each place of a square of `side` cells, the share that it keeps.
    private func kept(_ side: Int) -> [Float] {
        switch self {
        case .even(let share): return [Float](repeating: share, count: side * side)
        case .rectangle(let box, let pixels):
            let rows = Self.covered(box.rows, of: pixels, by: side),
                columns = Self.covered(box.columns, of: pixels, by: side)
            return rows.flatMap { row in columns.map { 1 - row * $0 } }
        }
    }

    /// For each of `cells` equal parts of `pixels`, which share of it lies in the range.
    private static func covered(_ range: Range<Int>, of pixels: Int, by cells: Int) -> [Float] {
        (0..<cells).map { cell in
            // In units of 1/cells of a pixel, where all edges are whole numbers.
            let start = max(cell * pixels, range.lowerBound * cells),
                end = min((cell + 1) * pixels, range.upperBound * cells)
            return Float(max(end - start, 0)) / Float(pixels)
        }
    }
}
