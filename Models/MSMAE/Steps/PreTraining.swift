import Apus

extension MaskedAutoencoder {
    /// One step of pre-training: the decoder predicts masked patches, and a head on the class token the label.
    ///
    /// Inputs: `images`, `labels` i32 [batch], and those of the ``PermutationSource``. Outputs: `loss`, the metrics
    /// `reconstruction_loss`, `classification_loss` and `accuracy`.
    ///
    /// MAE masks at random whatever `masking` says, and has neither labels nor head: its metric is
    /// `reconstruction_loss` alone.
    public func preTraining(
        batch: Int, masking: Masking, permutation: PermutationSource = .drawn, optimizer: Optimizer
    ) -> TrainingStep {
        switch configuration.method {
        case .msmae: supervisedPreTraining(batch: batch, masking, permutation, optimizer)
        case .mae: unsupervisedPreTraining(batch: batch, permutation, optimizer)
        }
    }

    private func supervisedPreTraining(
        batch: Int, _ masking: Masking, _ permutation: PermutationSource, _ optimizer: Optimizer
    ) -> TrainingStep {
        TrainingStep("pretraining", optimizer: optimizer) {
            let images = images(batch: batch)
            let labels = Input("labels", [batch], .int32)
            let selection = PatchSelection(configuration, masking, permutation, batch: batch)

            let encoded = encodedForDecoder(images, selection)
            let logits = Linear(configuration.dim, configuration.classes).named("head")(classToken(of: encoded))
            let classification =
                switch configuration.variant {
                case .corrected: crossEntropy(logits, labels)
                case .released: crossEntropy(softmax(logits), labels)
                }
            let predictions = Decoder(configuration: configuration)(encoded, selection)
            let reconstruction = reconstructionLoss(predictions, images, selection)

            Loss(reconstruction + classification * configuration.classificationLossWeight)
            Metric("reconstruction_loss", reconstruction)
            Metric("classification_loss", classification)
            Metric("accuracy", accuracy(logits, labels))
        }
    }

    private func unsupervisedPreTraining(batch: Int, _ permutation: PermutationSource, _ optimizer: Optimizer)
        -> TrainingStep
    {
        TrainingStep("pretraining", optimizer: optimizer) {
            let images = images(batch: batch)
            let selection = PatchSelection(configuration, .random, permutation, batch: batch)
            let predictions = Decoder(configuration: configuration)(encodedForDecoder(images, selection), selection)
            let reconstruction = reconstructionLoss(predictions, images, selection)
            Loss(reconstruction)
            Metric("reconstruction_loss", reconstruction)
        }
    }

    /// What the decoder makes of images: for showing it, and for comparing it.
    ///
    /// Inputs: `images` and those of the ``PermutationSource``. Outputs, with patches in the order of the image:
    /// `predictions` [batch, patches, patch · patch · channels], zero for patches that were thrown away, and `mask`
    /// [batch, patches] with 0 for kept, 1 for masked and −1 for thrown patches.
    public func reconstruction(batch: Int, masking: Masking, permutation: PermutationSource = .drawn) -> InferenceStep {
        InferenceStep("reconstruction") {
            let images = images(batch: batch)
            let selection = PatchSelection(configuration, masking, permutation, batch: batch)
            let predictions = Decoder(configuration: configuration)(encodedForDecoder(images, selection), selection)
            Output("predictions", selection.spread(predictions))
            Output("mask", selection.mask)
        }
    }

    private func encodedForDecoder(_ images: Tensor, _ selection: PatchSelection) -> Tensor {
        let tokens = Encoder(configuration: configuration)(images, keeping: selection.kept)
        return LayerNorm(configuration.dim, epsilon: configuration.layerNormEpsilon).named("norm")(tokens)
    }

    /// The mean squared error over the pixels of masked patches; the predictions of others are not looked at.
    private func reconstructionLoss(_ predictions: Tensor, _ images: Tensor, _ selection: PatchSelection) -> Tensor {
        guard predictions.isValid else { return predictions }
        var target = patches(of: images, configuration)
        if let visible = selection.visible { target = gather(target, visible, batch: 1) }
        target = selection.masked(target)
        if configuration.normalizePixels { target = normalizedPatches(target) }
        return meanSquaredError(selection.masked(predictions), target)
    }
}
