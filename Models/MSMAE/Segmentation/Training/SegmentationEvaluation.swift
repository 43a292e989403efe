import Foundation

/// How well found regions cover those of the masks.
public struct SegmentationEvaluation: Hashable, Sendable {
    /// Pixels of a class in all images.
    public struct Counts: Hashable, Sendable, BitwiseCopyable {
        /// Found and in the mask; found alone; in the mask alone.
        public var common = 0, found = 0, missed = 0

        /// Common pixels among all that are in either; 1 where there are none.
        public var iou: Double { ratio(common, common + found + missed) }
        /// The harmonic mean of precision and recall, which is the Dice coefficient; 1 where there is nothing to find
        /// or found.
        public var f1: Double { ratio(2 * common, 2 * common + found + missed) }

        private func ratio(_ part: Int, _ whole: Int) -> Double { whole == 0 ? 1 : Double(part) / Double(whole) }
    }

    /// By class.
    public private(set) var counts: [Counts]
    public private(set) var images = 0
    private var lossSum = 0.0, imageIoUSum = 0.0, imageF1Sum = 0.0

    public init(classes: Int) { counts = [Counts](repeating: Counts(), count: classes) }

    /// The mean over images of 0.5 · binary cross entropy + Dice loss.
    public var loss: Double { mean(lossSum) }
    /// The means over classes, of pixels of all images.
    public var iou: Double { counts.map(\.iou).reduce(0, +) / Double(counts.count) }
    public var f1: Double { counts.map(\.f1).reduce(0, +) / Double(counts.count) }
    /// The means over images and classes.
    public var imageIoU: Double { mean(imageIoUSum) }
    public var imageF1: Double { mean(imageF1Sum) }

    private func mean(_ sum: Double) -> Double { sum / Double(max(images, 1)) }

    /// What was found in one image.
    struct Image: Hashable, Sendable {
        /// By class.
        var counts: [Counts]
        var loss: Double
    }

    /// Adds an image by its logits and masks, both [classes, pixels].
    public mutating func add(logits: ArraySlice<Float>, masks: ArraySlice<Float>) {
        add(Image(logits: logits, masks: masks, classes: counts.count))
    }

    /// Adds an image.
    mutating func add(_ image: Image) {
        for (number, here) in image.counts.enumerated() {
            imageIoUSum += here.iou / Double(counts.count)
            imageF1Sum += here.f1 / Double(counts.count)
            counts[number].common += here.common
            counts[number].found += here.found
            counts[number].missed += here.missed
        }
        lossSum += image.loss
        images += 1
    }
}

extension SegmentationEvaluation.Image {
    /// An image by its logits and masks, both [classes, pixels].
    init(logits: ArraySlice<Float>, masks: ArraySlice<Float>, classes: Int) {
        let pixels = logits.count / classes
        var crossEntropy = 0.0, common = 0.0, total = 0.0
        counts = []
        for number in 0..<classes {
            var here = SegmentationEvaluation.Counts()
            for pixel in 0..<pixels {
                let score = Double(logits[logits.startIndex + number * pixels + pixel])
                let isInside = masks[masks.startIndex + number * pixels + pixel] > 0.5
                crossEntropy += max(score, 0) - (isInside ? score : 0) + log1p(exp(-abs(score)))
                let probability = 1 / (1 + exp(-score))
                total += probability + (isInside ? 1 : 0)
                if isInside { common += probability }
                switch (score > 0, isInside) {
                case (true, true): here.common += 1
                case (true, false): here.found += 1
                case (false, true): here.missed += 1
                case (false, false): break
                }
            }
            counts.append(here)
        }
        loss = 0.5 * crossEntropy / Double(logits.count) + 1 - (2 * common + 1e-5) / (total + 1e-5)
    }
}
