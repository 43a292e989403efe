import Foundation

/// How the learning rate follows the epochs, which count from 0 and may be fractions: step 30 of 120 in the
/// fifth epoch is epoch 4.25.
public enum LearningRateSchedule: Sendable, Hashable {
    /// The same rate throughout.
    case constant(Double)
    /// A linear rise from 0 over `warmupEpochs`, then half a cosine down to `minimum`, set anew at every step.
    case warmupCosine(base: Double, minimum: Double, warmupEpochs: Double, epochs: Double)
    /// Half a cosine down to `minimum` that stands still within an epoch.
    case cosinePerEpoch(base: Double, minimum: Double, epochs: Double)

    /// The rate at an epoch; at the end of the schedule and after it, its minimum.
    public func rate(atEpoch epoch: Double) -> Double {
        switch self {
        case .constant(let rate):
            rate
        case .warmupCosine(let base, let minimum, let warmupEpochs, let epochs):
            if epoch < warmupEpochs {
                base * epoch / warmupEpochs
            } else {
                Self.halfCosine(from: base, to: minimum, at: epoch - warmupEpochs, of: epochs - warmupEpochs)
            }
        case .cosinePerEpoch(let base, let minimum, let epochs):
            Self.halfCosine(from: base, to: minimum, at: epoch.rounded(.down), of: epochs)
        }
    }

    /// The rate for a batch, from one that is stated for a batch of 256; `effectiveBatch` counts all images
    /// between two updates of the weights.
    public static func absoluteRate(base: Double, effectiveBatch: Int) -> Double {
        base * Double(effectiveBatch) / 256
    }

    private static func halfCosine(
        from base: Double, to minimum: Double, at place: Double, of length: Double
    ) -> Double {
        guard place < length else { return minimum }
        return minimum + (base - minimum) * 0.5 * (1 + cos(.pi * place / length))
    }
}
