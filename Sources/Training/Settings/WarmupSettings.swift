import ApusLayers

/// Settings of a run whose learning rate rises, then falls by half a cosine.
public protocol WarmupSettings: RunSettings {
    /// Learning rate for 256 images per update.
    var baseLearningRate: Double { get set }
    /// Learning rate as it is, in place of the one that follows from `baseLearningRate`.
    var learningRate: Double? { get set }
    /// Where the learning rate ends.
    var minimumLearningRate: Double { get set }
    /// Epochs in which the learning rate rises.
    var warmupEpochs: Double { get set }
    /// How much weights shrink, as the optimizer has it.
    var weightDecay: Double { get set }
    /// Length that all gradients together are cut to; nil leaves them as they are.
    var clippingNorm: Double? { get set }
    /// Decay of the average of weights that validation and evaluation use in place of the last ones; nil keeps none.
    var averageDecay: Double? { get set }
}

extension WarmupSettings {
    /// An optimizer with the clipping and the averages that the settings ask for.
    public func completed(_ optimizer: Optimizer) -> Optimizer {
        let clipped = clippingNorm.map { optimizer.clippingGradients(toNorm: $0) } ?? optimizer
        return averageDecay.map { clipped.averagingWeights(decay: $0) } ?? clipped
    }

    /// Says it where the learning rate has no time to fall.
    public var notes: [String] { warmupNotes }

    /// A sentence about a learning rate that only rises; none if it falls.
    public var warmupNotes: [String] {
        guard warmupEpochs >= Double(epochs), warmupEpochs > 0 else { return [] }
        return [
            "warmup-epochs is \(warmupEpochs.shortText) and epochs \(epochs): the learning rate only rises, and never falls"
                + (warmupEpochs > Double(epochs) ? ", nor comes to its full height" : "")
                + "; --warmup-epochs shortens the rise"
        ]
    }

    /// A straight rise, then half a cosine down to the minimum.
    public var schedule: LearningRateSchedule {
        let base =
            learningRate ?? LearningRateSchedule.absoluteRate(base: baseLearningRate, effectiveBatch: effectiveBatch)
        return .warmup(
            epochs: warmupEpochs,
            then: .cosine(base: base, minimum: minimumLearningRate, epochs: Double(epochs) - warmupEpochs))
    }
}

extension Setting where Settings: WarmupSettings {
    /// The learning rate, and what the optimizer does beside following it.
    public static var rates: [Setting] {
        [
            Setting(
                "blr", \.baseLearningRate, "Learning rate for 256 images per update.", .from(0), changesOnTheWay: true),
            Setting(
                "lr", \.learningRate, "Learning rate as it is, in place of --blr.", .from(0),
                unset: "follows from --blr", changesOnTheWay: true),
            Setting("min-lr", \.minimumLearningRate, "Learning rate at the end.", .from(0), changesOnTheWay: true),
            Setting(
                "warmup-epochs", \.warmupEpochs, "Epochs in which the learning rate rises.", .range(0...1_000_000),
                changesOnTheWay: true),
            Setting(
                "weight-decay", \.weightDecay, "How strongly weights are drawn to 0.", .from(0), changesOnTheWay: true),
            Setting(
                "clip-grad", \.clippingNorm, "Length that all gradients together are cut to.", .from(0), unset: "none",
                changesOnTheWay: true),
            Setting(
                "ema", \.averageDecay,
                "Decay of an average of the weights, kept beside them and evaluated in their place, such as 0.999.",
                .range(0...0.999999), unset: "none"),
        ]
    }
}
