/// How fine-tuning trains, beside the optimizer.
public struct FineTuningOptions: Hashable, Sendable {
    /// Share of the target that is spread over all classes (Szegedy et al. 2016); also of soft targets, which are given
    /// without it.
    public var smoothing = 0.1
    /// The chance to drop a branch of the last block for an image; it rises linearly from 0 in the first block, as in
    /// timm.
    public var dropPath = 0.1
    public var pooling = Pooling.mean
    /// Whether the targets are distributions over the classes, as mixup and cutmix make them, instead of labels.
    public var softTargets = false
    /// The masking that images are seen through; all patches are seen if nil.
    public var masking: Masking? = .attention

    public init(
        smoothing: Double = 0.1, dropPath: Double = 0.1, pooling: Pooling = .mean, softTargets: Bool = false,
        masking: Masking? = .attention
    ) {
        (self.smoothing, self.dropPath, self.pooling) = (smoothing, dropPath, pooling)
        (self.softTargets, self.masking) = (softTargets, masking)
    }
}

/// What a classification head reads of the encoder's tokens.
public enum Pooling: String, Hashable, Sendable, CaseIterable {
    /// The mean of the patch tokens, then a layer normalisation (`fc_norm`): MAE's `global_pool`.
    case mean
    /// The class token after a layer normalisation (`norm`).
    case classToken = "class-token"
}
