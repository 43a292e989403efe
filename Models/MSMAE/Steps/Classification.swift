import Apus

extension MaskedAutoencoder {
    /// The class scores of images by a fine-tuned model.
    ///
    /// Inputs: `images` and, with masking, those of the ``PermutationSource``. Outputs: `logits` [batch, classes], and
    /// `features` [batch, dim], what the head reads.
    ///
    /// - Parameter masking: Whether to look at the kept patches of a masking only; at all patches if nil.
    public func classification(
        batch: Int, masking: Masking? = nil, permutation: PermutationSource = .drawn, pooling: Pooling = .mean
    ) -> InferenceStep {
        InferenceStep("classification") {
            let images = images(batch: batch)
            let selection = masking.map { PatchSelection(configuration, $0, permutation, batch: batch) }
            let features = pooled(
                Encoder(configuration: configuration, learnsPositions: true)(images, keeping: selection?.kept), pooling)
            Output("logits", head(features))
            Output("features", features)
        }
    }

    /// One step of fine-tuning.
    ///
    /// Inputs: `images`; `labels` i32 [batch] or, with soft targets, `targets` [batch, classes], whose rows add up to
    /// 1; with masking, those of the ``PermutationSource``; with drop path, `random_key` i32[2]. Outputs: `loss`,
    /// `accuracy` (of soft targets, how often the largest is found) and `logits` [batch, classes].
    public func fineTuning(
        batch: Int, options: FineTuningOptions = FineTuningOptions(), permutation: PermutationSource = .drawn,
        optimizer: Optimizer
    ) -> TrainingStep {
        TrainingStep("finetuning", optimizer: optimizer) {
            let images = images(batch: batch)
            let labels = options.softTargets ? nil : Input("labels", [batch], .int32)
            let targets =
                labels.map { oneHot($0, classes: configuration.classes) }
                ?? Input("targets", [batch, configuration.classes])
            let selection = options.masking.map { PatchSelection(configuration, $0, permutation, batch: batch) }
            let encoder = Encoder(configuration: configuration, learnsPositions: true, dropPath: options.dropPath)
            let logits = head(pooled(encoder(images, keeping: selection?.kept), options.pooling))
            Loss(crossEntropy(logits, targets: targets, smoothing: options.smoothing))
            Metric("accuracy", accuracy(logits, labels ?? argmax(targets)))
            Output("logits", logits)
        }
    }

    /// What the head reads: tokens [batch, 1 + patches, dim] -> [batch, dim].
    func pooled(_ tokens: Tensor, _ pooling: Pooling) -> Tensor {
        guard tokens.isValid else { return tokens }
        let norm = LayerNorm(configuration.dim, epsilon: configuration.layerNormEpsilon)
        return switch pooling {
        case .mean: norm.named("fc_norm")(mean(tokens.slice(1..<tokens.shape[1], axis: 1), axes: [1]))
        case .classToken: classToken(of: norm.named("norm")(tokens))
        }
    }

    /// The class token of tokens [batch, 1 + patches, dim]: [batch, dim].
    func classToken(of tokens: Tensor) -> Tensor {
        tokens.slice(0..<1, axis: 1).reshape([-1, configuration.dim])
    }

    /// The linear head of a model to be fine-tuned; it starts near zero, as in the public code.
    private func head(_ features: Tensor) -> Tensor {
        Linear(configuration.dim, configuration.classes, initializer: .truncatedNormal(deviation: 2e-5)).named("head")(
            features)
    }

    /// Factor of a weight's learning rate in fine-tuning: the closer to the image, the slower it learns (Clark et al.
    /// 2020).
    ///
    /// The head has 1, each block below it `decay` times what is above it, the embeddings the least.
    public func learningRateScale(of weight: String, decay: Double) -> Double {
        let parts = weight.split(separator: ".")
        let distance =
            switch parts.first {
            case "cls_token", "pos_embed", "patch_embed": configuration.depth + 1
            case "blocks" where parts.count > 1: configuration.depth - (Int(parts[1]) ?? configuration.depth)
            default: 0
            }
        return (0..<distance).reduce(1.0) { scale, _ in scale * decay }
    }
}

extension WeightDecayScope {
    /// What decays in fine-tuning, as in MAE's: weights with two axes or more, but for the class token and the
    /// positions.
    public static let fineTuning = WeightDecayScope.only { name, shape in
        shape.count > 1 && name != "cls_token" && name != "pos_embed"
    }
}
