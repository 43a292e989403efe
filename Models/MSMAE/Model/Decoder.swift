import Apus

/// The small transformer that predicts the pixels of masked patches from the encoder's tokens.
struct Decoder {
    let configuration: Configuration

    private var dim: Int { configuration.decoderDim }

    /// Encoded tokens [batch, 1 + kept, dim] to predicted patches [batch, visible, patch · patch · channels].
    ///
    /// The predictions are those of all patches that are not thrown away, in the order of the image.
    func callAsFunction(_ encoded: Tensor, _ selection: PatchSelection) -> Tensor {
        let x = Linear(configuration.dim, dim, initializer: .xavierUniform).named("decoder_embed")(encoded)
        guard x.isValid else { return x }
        let maskToken = weight("mask_token", [1, 1, dim], .normal(deviation: 0.02))
        let positions = weight(
            "decoder_pos_embed", [1, 1 + configuration.tokens, dim],
            .sineCosine2D(grid: configuration.grid, leadingZeros: 1), trainable: false)

        let kept = x.slice(1..<x.shape[1], axis: 1)
        var patches = selection.inImageOrder(selection.fill(kept: kept, with: maskToken))
        patches = patches + positions.slice(1..<1 + configuration.tokens, axis: 1)
        if let visible = selection.visible { patches = gather(patches, visible, batch: 1) }
        let classToken = x.slice(0..<1, axis: 1) + positions.slice(0..<1, axis: 1)

        let predictions = head(concatenate([classToken, patches], axis: 1))
        return predictions.slice(1..<1 + patches.shape[1], axis: 1)
    }

    private var head: some Layer {
        Sequential {
            Sequential {
                for _ in 0..<configuration.decoderDepth {
                    TransformerBlock(
                        dim: dim, heads: configuration.decoderHeads, mlpRatio: configuration.mlpRatio,
                        epsilon: configuration.layerNormEpsilon)
                }
            }.named("decoder_blocks")
            LayerNorm(dim, epsilon: configuration.layerNormEpsilon).named("decoder_norm")
            Linear(dim, configuration.patchSize, initializer: .xavierUniform).named("decoder_pred")
        }
    }
}
