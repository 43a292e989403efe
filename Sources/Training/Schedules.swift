import Foundation

/// How the learning rate follows the epochs, which count from 0 and may be fractions: step 30 of 120 in the
/// fifth epoch is epoch 4.25.
public indirect enum LearningRateSchedule: Sendable, Hashable {
    /// The same rate throughout.
    case constant(Double)
    /// Times `factor` after every so many epochs.
    case step(base: Double, every: Double, factor: Double = 0.1)
    /// Times `factor` at each of these epochs.
    case milestones(base: Double, at: [Double], factor: Double = 0.1)
    /// base · factorᵉᵖᵒᶜʰ.
    case exponential(base: Double, factor: Double)
    /// base · (1 − epoch / epochs)^power, but `minimum` at least.
    case polynomial(base: Double, minimum: Double = 0, epochs: Double, power: Double = 1)
    /// Half a cosine down to `minimum` (Loshchilov and Hutter 2016).
    case cosine(base: Double, minimum: Double = 0, epochs: Double)
    /// Half cosines down to `minimum`, the first of so many epochs, each longer than the one before by a factor
    /// (Loshchilov and Hutter 2016).
    case restarts(base: Double, minimum: Double = 0, first: Double, growth: Double = 1)
    /// Up from peak / `startDivisor` in the first part `rise` of the epochs, and down to that divided by `endDivisor`,
    /// both along half a cosine, or straight lines (Smith and Topin 2017). PyTorch's `OneCycleLR` of n steps has n − 1
    /// here.
    case oneCycle(
        peak: Double, epochs: Double, rise: Double = 0.3, startDivisor: Double = 25, endDivisor: Double = 1e4,
        isLinear: Bool = false)
    /// A straight rise from `from` times the base of another schedule, which follows after so many epochs.
    case warmup(epochs: Double, from: Double = 0, then: LearningRateSchedule)
    /// Another schedule that stands still within an epoch.
    case perEpoch(LearningRateSchedule)
    /// The rate that what epochs have measured has left; see ``record(_:ofEpoch:)``.
    case plateau(PlateauSchedule)

    /// The rate at an epoch; after the end of a schedule, that of the end.
    public func rate(atEpoch epoch: Double) -> Double {
        switch self {
        case .constant(let rate): return rate
        case .step(let base, let every, let factor): return base * pow(factor, (epoch / every).rounded(.down))
        case .milestones(let base, let places, let factor):
            return base * pow(factor, Double(places.count { $0 <= epoch }))
        case .exponential(let base, let factor): return base * pow(factor, epoch)
        case .polynomial(let base, let minimum, let epochs, let power):
            return max(minimum, epoch < epochs ? base * pow(1 - epoch / epochs, power) : 0)
        case .cosine(let base, let minimum, let epochs):
            return Self.halfCosine(from: base, to: minimum, at: epoch, of: epochs)
        case .restarts(let base, let minimum, let first, let growth):
            let (place, length) = Self.cycle(at: epoch, first: first, growth: growth)
            return Self.halfCosine(from: base, to: minimum, at: place, of: length)
        case .oneCycle(let peak, let epochs, let rise, let startDivisor, let endDivisor, let isLinear):
            let start = peak / startDivisor, top = rise * epochs
            let (from, to, place, length) =
                epoch < top ? (start, peak, epoch, top) : (peak, start / endDivisor, epoch - top, epochs - top)
            guard isLinear else { return Self.halfCosine(from: from, to: to, at: place, of: length) }
            return place < length ? from + (to - from) * place / length : to
        case .warmup(let epochs, let from, let schedule):
            guard epoch < epochs else { return schedule.rate(atEpoch: epoch - epochs) }
            return schedule.base * from + schedule.base * (1 - from) * epoch / epochs
        case .perEpoch(let schedule): return schedule.rate(atEpoch: epoch.rounded(.down))
        case .plateau(let plateau): return plateau.rate
        }
    }

    /// The rate that the schedule begins with, and that a warm-up rises to.
    private var base: Double {
        switch self {
        case .constant(let rate): rate
        case .step(let base, _, _), .milestones(let base, _, _), .exponential(let base, _),
            .polynomial(let base, _, _, _), .cosine(let base, _, _), .restarts(let base, _, _, _):
            base
        case .oneCycle: rate(atEpoch: 0)
        case .warmup(_, _, let schedule), .perEpoch(let schedule): schedule.base
        case .plateau(let plateau): plateau.rate
        }
    }

    /// The rate for a batch, from one that is stated for a batch of 256; `effectiveBatch` counts all images
    /// between two updates of the weights.
    public static func absoluteRate(base: Double, effectiveBatch: Int) -> Double {
        base * Double(effectiveBatch) / 256
    }

    /// Where an epoch lies in its cycle, and how long that is. Cycles before the n-th take the sum of a geometric
    /// series, first · (growthⁿ − 1) / (growth − 1); those that become shorter have an end, beyond which there is none.
    private static func cycle(at epoch: Double, first: Double, growth: Double) -> (place: Double, length: Double) {
        guard growth != 1 else { return (epoch.truncatingRemainder(dividingBy: first), first) }
        let number = (log(1 + epoch / first * (growth - 1)) / log(growth)).rounded(.down)
        func place(_ number: Double) -> (place: Double, length: Double) {
            let power = pow(growth, number)
            return (epoch - first * (power - 1) / (growth - 1), first * power)
        }
        // The logarithm of a border between two cycles can be rounded to the wrong side.
        let found = place(number)
        return found.place < found.length ? found : place(number + 1)
    }

    private static func halfCosine(
        from base: Double, to minimum: Double, at place: Double, of length: Double
    ) -> Double {
        guard place < length else { return minimum }
        return minimum + (base - minimum) * 0.5 * (1 + cos(.pi * place / length))
    }
}
