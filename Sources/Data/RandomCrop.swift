import Foundation

/// A random part of an image, chosen as torchvision's `RandomResizedCrop` chooses it.
public struct RandomCrop: Sendable, Equatable {
    /// Share of the image's area that the crop covers.
    public let scale: ClosedRange<Double>
    /// Width over height of the crop.
    public let ratio: ClosedRange<Double>

    /// The usual choice in pre-training: a fifth to all of the area, sides of 3:4 to 4:3.
    public static let standard = RandomCrop(checkedScale: 0.2...1, ratio: 3.0 / 4...4.0 / 3)

    /// Sets both ranges; throws `invalidArgument` unless 0 < scale <= 1 and ratios are positive and finite.
    public init(scale: ClosedRange<Double>, ratio: ClosedRange<Double> = 3.0 / 4...4.0 / 3) throws(DataError) {
        guard scale.lowerBound > 0, scale.upperBound <= 1, ratio.lowerBound > 0, ratio.upperBound.isFinite else {
            throw DataError(
                .invalidArgument, "a crop of \(scale) of the area with sides \(ratio) is not possible",
                advice: "Keep the area above 0 and at most 1, and the ratio of the sides above 0.")
        }
        self.init(checkedScale: scale, ratio: ratio)
    }

    private init(checkedScale: ClosedRange<Double>, ratio: ClosedRange<Double>) {
        scale = checkedScale
        self.ratio = ratio
    }

    /// Draws a region of an image of `width` x `height` pixels: ten tries, then the largest central part whose
    /// sides have an allowed ratio.
    public func region(width: Int, height: Int, using random: inout CounterRandom) -> PixelRect {
        let area = Double(width) * Double(height)
        for _ in 0..<10 {
            let target = area * random.uniform(in: scale)
            let aspect = exp(random.uniform(in: log(ratio.lowerBound)...log(ratio.upperBound)))
            let cropWidth = (target * aspect).squareRoot().rounded(.toNearestOrEven)
            let cropHeight = (target / aspect).squareRoot().rounded(.toNearestOrEven)
            guard cropWidth > 0, cropWidth <= Double(width), cropHeight > 0, cropHeight <= Double(height) else {
                continue
            }
            let (w, h) = (Int(cropWidth), Int(cropHeight))
            let top = random.integer(below: height - h + 1)
            let left = random.integer(below: width - w + 1)
            return PixelRect(left: left, top: top, width: w, height: h)
        }
        return central(width: width, height: height)
    }

    private func central(width: Int, height: Int) -> PixelRect {
        let aspect = Double(width) / Double(height)
        var (w, h) = (width, height)
        if aspect < ratio.lowerBound {
            h = Int((Double(width) / ratio.lowerBound).rounded(.toNearestOrEven))
        } else if aspect > ratio.upperBound {
            w = Int((Double(height) * ratio.upperBound).rounded(.toNearestOrEven))
        }
        // One pixel at least, and rounding must not leave the image.
        (w, h) = (min(max(w, 1), width), min(max(h, 1), height))
        return PixelRect(left: (width - w) / 2, top: (height - h) / 2, width: w, height: h)
    }
}
