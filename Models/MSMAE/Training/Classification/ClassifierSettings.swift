import Apus

/// Settings of a run that trains a classifier and validates it after each epoch: what the ``ClassifierTask`` goes by.
public protocol ClassifierSettings: ModelSettings, WarmupSettings {
    /// How far to follow the released code.
    var variant: Configuration.Variant { get }
    /// Epochs without a better validation after which the run ends; nil if it never does.
    var patience: Int? { get }
    /// How validation looks at images; the first path chooses the best epoch.
    var paths: [EvaluationPath] { get }
    /// How the images of a batch are mixed; nil, or one that is off, does not.
    var mixup: Mixup? { get }

    /// Whether the attention maps are computed anew before an epoch.
    func refreshesMaps(beforeEpoch epoch: Int) -> Bool
    /// The training step of a model, for so many images.
    func trainingStep(of model: MaskedAutoencoder, batch: Int) -> TrainingStep
    /// The class scores that the trained model gives.
    func classification(of model: MaskedAutoencoder, batch: Int, masking: Masking?) -> InferenceStep
    /// A constant factor of a weight's learning rate.
    func learningRateScale(of weight: String, in model: MaskedAutoencoder) -> Double
}
