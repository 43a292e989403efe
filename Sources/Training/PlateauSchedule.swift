/// A learning rate that falls when a measure has not become better for a while, exactly as PyTorch's
/// `ReduceLROnPlateau`.
///
/// In a loop by hand, ``record(_:)`` takes what was measured after each epoch. `fit` does that for
/// ``LearningRateSchedule/plateau(_:)``: with the score of the validation or, without one, the mean loss of training.
public struct PlateauSchedule: Hashable, Sendable, Codable {
    /// What is better.
    public enum Goal: String, Hashable, Sendable, Codable {
        /// A smaller measure, such as a loss, or a larger one, such as an accuracy.
        case smaller, larger
    }
    /// How much better it has to be.
    public enum Threshold: Hashable, Sendable, Codable {
        /// By this part of the best.
        case relative(Double)
        /// By this much.
        case absolute(Double)
    }

    /// The rate for the next epoch.
    public private(set) var rate: Double
    /// What is better.
    public let goal: Goal
    private let factor: Double, patience: Int, threshold: Threshold, cooldown: Int, minimum: Double
    private var best: Double?, badEpochs = 0, restingEpochs = 0

    /// - Parameters:
    ///   - patience: Epochs without a better measure that are let pass before the rate falls.
    ///   - cooldown: Epochs after it has fallen that do not count.
    public init(
        base: Double, goal: Goal = .smaller, factor: Double = 0.1, patience: Int = 10,
        threshold: Threshold = .relative(1e-4), cooldown: Int = 0, minimum: Double = 0
    ) {
        (rate, self.goal, self.factor, self.patience) = (base, goal, factor, patience)
        (self.threshold, self.cooldown, self.minimum) = (threshold, cooldown, minimum)
    }

    /// Takes note of what an epoch has measured.
    public mutating func record(_ measure: Double) {
        if isBetter(measure) {
            (best, badEpochs) = (measure, 0)
        } else {
            badEpochs += 1
        }
        if restingEpochs > 0 { (restingEpochs, badEpochs) = (restingEpochs - 1, 0) }
        guard badEpochs > patience else { return }
        let next = max(rate * factor, minimum)
        if rate - next > 1e-8 { rate = next }
        (restingEpochs, badEpochs) = (cooldown, 0)
    }

    private func isBetter(_ measure: Double) -> Bool {
        guard let best else { return goal == .smaller ? measure < .infinity : measure > -.infinity }
        switch (goal, threshold) {
        case (.smaller, .relative(let part)): return measure < best * (1 - part)
        case (.smaller, .absolute(let amount)): return measure < best - amount
        case (.larger, .relative(let part)): return measure > best * (1 + part)
        case (.larger, .absolute(let amount)): return measure > best + amount
        }
    }
}

extension LearningRateSchedule {
    /// Takes note of what an epoch, counted from 0, has measured: the rate of a plateau may fall by it, all other
    /// schedules stay as they are. Epochs of a warm-up before the plateau do not count.
    public mutating func record(_ measure: Double, ofEpoch epoch: Int) { record(measure, after: Double(epoch) + 1) }

    /// Takes note of what was measured when so many epochs of the schedule had ended.
    private mutating func record(_ measure: Double, after end: Double) {
        switch self {
        case .plateau(var plateau):
            plateau.record(measure)
            self = .plateau(plateau)
        case .warmup(let epochs, let from, var schedule):
            guard end > epochs else { return }
            schedule.record(measure, after: end - epochs)
            self = .warmup(epochs: epochs, from: from, then: schedule)
        case .perEpoch(var schedule):
            schedule.record(measure, after: end)
            self = .perEpoch(schedule)
        case .constant, .step, .milestones, .exponential, .polynomial, .cosine, .restarts, .oneCycle: break
        }
    }

    /// The plateau that the schedule comes to; nil if it does not depend on what is measured.
    var plateau: PlateauSchedule? {
        get {
            switch self {
            case .plateau(let plateau): plateau
            case .warmup(_, _, let schedule), .perEpoch(let schedule): schedule.plateau
            case .constant, .step, .milestones, .exponential, .polynomial, .cosine, .restarts, .oneCycle: nil
            }
        }
        set {
            guard let newValue else { return }
            switch self {
            case .plateau: self = .plateau(newValue)
            case .warmup(let epochs, let from, var schedule):
                schedule.plateau = newValue
                self = .warmup(epochs: epochs, from: from, then: schedule)
            case .perEpoch(var schedule):
                schedule.plateau = newValue
                self = .perEpoch(schedule)
            case .constant, .step, .milestones, .exponential, .polynomial, .cosine, .restarts, .oneCycle: break
            }
        }
    }
}

extension PlateauSchedule {
    /// What a checkpoint keeps of it: the rate, and what has been measured.
    var metadata: [String: String] {
        var metadata = [
            "plateau_rate": String(rate), "plateau_bad_epochs": String(badEpochs),
            "plateau_resting_epochs": String(restingEpochs),
        ]
        metadata["plateau_best"] = best.map { String($0) }
        return metadata
    }

    /// Goes on from what ``metadata`` has written; false if there is something else in it. Without any of it, nothing
    /// has been measured yet.
    mutating func restore(_ metadata: [String: String]) -> Bool {
        guard let text = metadata["plateau_rate"] else { return true }
        let counts = ["plateau_bad_epochs", "plateau_resting_epochs"].map { metadata[$0].flatMap { Int32($0) } ?? -1 }
        let best = metadata["plateau_best"].map { Double($0) ?? .nan }
        guard let rate = Double(text), rate.isFinite, counts.allSatisfy({ $0 >= 0 }), best?.isNaN != true else {
            return false
        }
        (self.rate, self.best, badEpochs, restingEpochs) = (rate, best, Int(counts[0]), Int(counts[1]))
        return true
    }
}
