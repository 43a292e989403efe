import Apus

extension MaskedAutoencoder {
    /// The class scores of images by a fine-tuned model: the mean of the patch tokens, normalised, then a linear head.
    ///
    /// Inputs: `images` and, with masking, those of the ``PermutationSource``. Output: `logits` [batch, classes].
    ///
    /// - Parameter masking: Whether to look at the kept patches of a masking only; at all patches if nil.
    public func classification(batch: Int, masking: Masking? = nil, permutation: PermutationSource = .drawn) -> InferenceStep {
        InferenceStep("classification") {
            let images = images(batch: batch)
            let selection = masking.map { PatchSelection(configuration, $0, permutation, batch: batch) }
            Output("logits", logits(images, keeping: selection?.kept))
        }
    }

    /// One step of fine-tuning, on the kept patches.
    ///
    /// Inputs: `images`, `labels` i32 [batch], and those of the ``PermutationSource``. Outputs: `loss`, `accuracy` and `logits`.
    public func fineTuning(
        batch: Int, masking: Masking = .attention, permutation: PermutationSource = .drawn, smoothing: Double = 0.1, optimizer: Optimizer
    ) -> TrainingStep {
        TrainingStep("finetuning", optimizer: optimizer) {
            let images = images(batch: batch)
            let labels = Input("labels", [batch], .int32)
            let selection = PatchSelection(configuration, masking, permutation, batch: batch)
            let logits = logits(images, keeping: selection.kept)
            Loss(crossEntropy(logits, labels, smoothing: smoothing))
            Metric("accuracy", accuracy(logits, labels))
            Output("logits", logits)
        }
    }

    private func logits(_ images: Tensor, keeping kept: Tensor?) -> Tensor {
        let tokens = Encoder(configuration: configuration, learnsPositions: true)(images, keeping: kept)
        guard tokens.isValid else { return tokens }
        let pooled = mean(tokens.slice(1..<tokens.shape[1], axis: 1), axes: [1])
        let normalized = LayerNorm(configuration.dim, epsilon: configuration.layerNormEpsilon).named("fc_norm")(pooled)
        return Linear(configuration.dim, configuration.classes).named("head")(normalized)
    }

    /// Factor of a weight's learning rate in fine-tuning: the closer to the image, the slower it learns (Clark et al. 2020).
    ///
    /// The head has 1, each block below it `decay` times what is above it, the embeddings the least.
    public func learningRateScale(of weight: String, decay: Double) -> Double {
        let parts = weight.split(separator: ".")
        let distance = switch parts.first {
        case "cls_token", "pos_embed", "patch_embed": configuration.depth + 1
        case "blocks" where parts.count > 1: configuration.depth - (Int(parts[1]) ?? configuration.depth)
        default: 0
        }
        return (0..<distance).reduce(1.0) { scale, _ in scale * decay }
    }
}
