import Apus

/// A step of the model that goes by a name: what command lines measure and show.
public enum NamedStep: String, Hashable, Sendable, CaseIterable {
    /// Pre-training with attention-driven masking.
    case pretrain
    /// Pre-training with random masking.
    case pretrainRandom = "pretrain-random"
    /// Fine-tuning on the patches that attention-driven masking keeps, without smoothed labels and drop path.
    case finetune
    /// Training of segmentation.
    case segment
    /// Class scores, seen from all patches.
    case infer
    /// Class scores, seen from the patches that attention-driven masking keeps.
    case inferMasked = "infer-masked"
    /// The attention map that drives masking.
    case attention

    /// The masking that the step draws; nil if it looks at whole images.
    public var masking: Masking? {
        switch self {
        case .pretrain, .finetune, .inferMasked: .attention
        case .pretrainRandom: .random
        case .segment, .infer, .attention: nil
        }
    }

    /// Whether the step changes weights.
    public var trains: Bool {
        switch self {
        case .pretrain, .pretrainRandom, .finetune, .segment: true
        case .infer, .inferMasked, .attention: false
        }
    }

    /// The declaration of a step.
    public enum Declaration {
        case training(TrainingStep)
        case inference(InferenceStep)

        /// The forward pass, after some fusions.
        public func forward(_ fusions: Set<Fusion> = []) throws -> Graph {
            let graph =
                switch self {
                case .training(let step): try step.trace().graph
                case .inference(let step): try step.trace()
                }
            return try Pipeline.fusions(fusions).run(graph)
        }

        /// The graph that is compiled: of a training step, with gradients and updates.
        public func wholeGraph(_ fusions: Set<Fusion> = []) throws -> Graph {
            guard case .training(let step) = self else { return try forward(fusions) }
            var rewrites: [Rewrite] = []
            return try step.trace().rewritten(by: .fusions(fusions), recording: &rewrites).wholeGraph()
        }

        public func compiled(by compiler: Compiler) throws -> CompiledStep {
            switch self {
            case .training(let step): try compiler.compile(step)
            case .inference(let step): try compiler.compile(step)
            }
        }
    }

    /// Declares the step of a model for a batch; segmentation has the published optimizer of its own.
    public func declaration(
        of model: MaskedAutoencoder, batch: Int,
        optimizer: Optimizer = .adamW(learningRate: 1e-4, betas: (0.9, 0.95), weightDecay: 0.05)
    ) -> Declaration {
        switch self {
        case .pretrain: .training(model.preTraining(batch: batch, masking: .attention, optimizer: optimizer))
        case .pretrainRandom: .training(model.preTraining(batch: batch, masking: .random, optimizer: optimizer))
        case .finetune:
            .training(
                model.fineTuning(
                    batch: batch, options: FineTuningOptions(smoothing: 0, dropPath: 0), optimizer: optimizer))
        case .segment:
            .training(
                SegmentationModel(on: model).training(
                    batch: batch, optimizer: .adam(learningRate: 1e-4, weightDecay: 1e-4)))
        case .infer: .inference(model.classification(batch: batch))
        case .inferMasked: .inference(model.classification(batch: batch, masking: .attention))
        case .attention: .inference(model.attentionMap(batch: batch))
        }
    }
}
