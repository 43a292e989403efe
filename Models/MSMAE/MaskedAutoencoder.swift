import Apus

/// MSMAE: a vision transformer that learns from images by predicting hidden patches, and from their labels.
///
/// Its steps are declarations, made for a batch size; weights have the names of the public code's state dict.
public struct MaskedAutoencoder: Sendable {
    public let configuration: Configuration

    /// Throws if no model can be made of the configuration.
    public init(_ configuration: Configuration) throws(ConfigurationError) {
        try configuration.validate()
        self.configuration = configuration
    }

    func images(batch: Int) -> Tensor {
        Input("images", [batch, configuration.channels, configuration.image, configuration.image])
    }
}
