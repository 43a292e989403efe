import Apus

extension MaskedAutoencoder {
    /// One step of linear probing: a linear head learns to classify by what the frozen encoder makes of whole images,
    /// as in MAE's `main_linprobe`.
    ///
    /// The head is `head.0`, a batch normalisation without weights of its own, by the statistics of the batch, and
    /// `head.1`, a linear layer.
    ///
    /// Inputs: `images` and `labels` i32 [batch]. Outputs: `loss`, `accuracy` and `logits` [batch, classes].
    public func linearProbing(batch: Int, pooling: Pooling = .classToken, optimizer: Optimizer) -> TrainingStep {
        TrainingStep("linear_probing", optimizer: optimizer) {
            let labels = Input("labels", [batch], .int32)
            let logits = probe(frozenFeatures(images(batch: batch), keeping: nil, pooling))
            Loss(crossEntropy(logits, labels))
            Metric("accuracy", accuracy(logits, labels))
            Output("logits", logits)
        }
    }

    /// The class scores of images by a linearly probed model, with the running statistics of its head.
    ///
    /// Inputs: `images` and, with masking, those of the ``PermutationSource``. Outputs: `logits` [batch, classes], and
    /// `features` [batch, dim], what the head reads.
    public func probedClassification(
        batch: Int, masking: Masking? = nil, permutation: PermutationSource = .drawn, pooling: Pooling = .classToken
    ) -> InferenceStep {
        InferenceStep("probed_classification") {
            let images = images(batch: batch)
            let selection = masking.map { PatchSelection(configuration, $0, permutation, batch: batch) }
            let features = frozenFeatures(images, keeping: selection?.kept, pooling)
            Output("logits", probe(features))
            Output("features", features)
        }
    }

    private func frozenFeatures(_ images: Tensor, keeping kept: Tensor?, _ pooling: Pooling) -> Tensor {
        frozen { pooled(Encoder(configuration: configuration)(images, keeping: kept), pooling) }
    }

    private func probe(_ features: Tensor) -> Tensor {
        Sequential {
            BatchNorm(configuration.dim, epsilon: 1e-6, affine: false)
            Linear(configuration.dim, configuration.classes, initializer: .truncatedNormal(deviation: 0.01))
        }.named("head")(features)
    }
}
