import Apus
public struct FineTuningOptions: Hashable, Sendable {
    public var smoothing = 0.1, dropPath = 0.1, pooling = Pooling.mean, softTargets = false, masking: Masking? = .attention
    public init(
        smoothing: Double = 0.1, dropPath: Double = 0.1, pooling: Pooling = .mean, softTargets: Bool = false, masking: Masking? = .attention
    ) {
        (self.smoothing, self.dropPath, self.pooling) = (smoothing, dropPath, pooling)
        (self.softTargets, self.masking) = (softTargets, masking)
    }
}
public enum Pooling: String, Hashable, Sendable, CaseIterable {
    case mean
    case classToken = "class-token"
}
extension MaskedAutoencoder {
    func fineTuning(batch: Int, options: FineTuningOptions, optimizer: Optimizer) -> TrainingStep {
        fineTuning(batch: batch, masking: .attention, smoothing: options.smoothing, optimizer: optimizer)
    }
    func classification(batch: Int, masking: Masking?, pooling: Pooling) -> InferenceStep { classification(batch: batch, masking: masking) }
}
