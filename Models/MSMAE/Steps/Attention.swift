import Apus

extension MaskedAutoencoder {
    /// The map that drives attention masking: how much the class token attends to each patch of the whole image.
    ///
    /// Input: `images`. Output: `mask_weights` [batch, grid, grid]; the attention of the last block, each head scaled
    /// to 0…1 by its smallest and largest value, averaged over the heads.
    public func attentionMap(batch: Int) -> InferenceStep {
        InferenceStep("attention_map") {
            let attention = Encoder(configuration: configuration).classAttention(images(batch: batch))
            let low = minimum(attention, axes: [-1], keepAxes: true),
                high = maximum(attention, axes: [-1], keepAxes: true)
            let scaled = (attention - low) / maximum(high - low, Double(Float.leastNormalMagnitude))
            Output("mask_weights", mean(scaled, axes: [1]).reshape([batch, configuration.grid, configuration.grid]))
        }
    }

    /// What each token attends to in the last block, on whole images.
    ///
    /// Input: `images`. Output: `attention` [batch, heads, 1 + patches, 1 + patches]; each row adds up to 1.
    public func lastAttention(batch: Int) -> InferenceStep {
        InferenceStep("last_attention") {
            Output("attention", Encoder(configuration: configuration).lastAttention(images(batch: batch)))
        }
    }
}
