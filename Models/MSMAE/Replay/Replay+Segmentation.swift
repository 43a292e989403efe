import Apus

extension Replay {
    /// What a recording of segmentation says of its model, its batch and its optimizer.
    private struct SegmentationDescription: Decodable {
        struct Model: Decodable {
            let img_size: Int, patch_size: Int, in_chans: Int?
            let embed_dim: Int, depth: Int, num_heads: Int, mlp_ratio: Double?
            let out_indices: [Int], head_width: Int
        }

        struct Optimizer: Decodable {
            let name: String
            let lr: Double, weight_decay: Double, eps: Double
            let betas: [Double]
        }

        struct BatchNorm: Decodable {
            let eps: Double, momentum: Double
        }

        let model: Model
        let num_classes: Int, batch: Int
        let loss: String
        let qkv_bias: Bool
        let optimizer: Optimizer
        let layer_norm_eps: Double
        let batch_norm: BatchNorm
    }

    /// Segmentation: scores by running statistics and by those of the batch, loss, overlap, gradients, and one step of
    /// the optimizer.
    static func segmentation(_ recording: Recording, _ compiler: Compiler) throws(ReplayError) -> [Comparison] {
        var recording = recording
        guard compiler.options.precision == .float32 else {
            throw ReplayError(
                .unsupported, path: recording.path,
                "segmentation is replayed in fp32 only: batch normalisation makes much of the small differences that bf16 leaves"
            )
        }
        let description = try recording.description(SegmentationDescription.self)
        let model = try segmentationModel(description, recording), configuration = model.configuration,
            batch = description.batch
        let step = model.training(batch: batch, allLogits: true, optimizer: try optimizer(description, recording))
        let parameters = try running(recording) { try step.trace().graph.parameters.map(\.operation) }
        let (image, side) = (configuration.encoder.image, configuration.stageSides.last ?? 0)
        let scores = [batch, configuration.classes, side, side]
        let inputs = [
            "images": try recording.floats("input.images", [batch, configuration.encoder.channels, image, image]),
            "masks": try recording.floats("input.masks", scores),
        ]
        let training = try RecordedTraining(
            &recording, parameters: parameters, steps: 1, learningRate: description.optimizer.lr)
        var evaluated: [TensorData] = [], trained: [TensorData] = []
        for head in configuration.headBlocks.indices {
            evaluated.append(try recording.floats("expect.eval_logits.\(head)", scores))
            trained.append(try recording.floats("expect.train_logits.\(head)", scores))
        }
        let iou = try recording.floats("expect.iou", []), dice = try recording.floats("expect.dice", [])
        try recording.expectNothingLeft()

        let tolerances = Tolerances.of(compiler.options.precision)
        func compare(_ report: StepReport, _ phase: String, _ recorded: [TensorData]) -> [Comparison] {
            recorded.enumerated().map { head, recorded in
                tolerances.forward(
                    "expect.\(phase)_logits.\(head)", report["logits.\(head)"]?.floats ?? [], recorded.floats)
            }
        }
        return try running(recording) {
            let evaluation = try outputs(
                of: model.segmentation(batch: batch, allLogits: true), compiler, weights: training.weights,
                inputs: inputs)
            return compare(evaluation, "eval", evaluated)
                + (try training.replay(compiler.compile(step, [.update, .output]), inputs: inputs, within: tolerances) {
                    report in
                    compare(report, "train", trained) + [
                        tolerances.loss("expect.iou", report["iou"]?.floats ?? [], iou.floats),
                        tolerances.loss("expect.dice", report["dice"]?.floats ?? [], dice.floats),
                    ]
                })
        }
    }

    private static func segmentationModel(_ description: SegmentationDescription, _ recording: Recording)
        throws(ReplayError) -> SegmentationModel
    {
        let sizes = description.model, path = recording.path
        guard let mlpRatio = Int(exactly: sizes.mlp_ratio ?? 4) else {
            throw ReplayError(
                .unsupported, path: path,
                "this version has no blocks whose mlp_ratio is \(sizes.mlp_ratio ?? 4): it has to be a whole number")
        }
        guard description.loss == "0.5*BCE-with-logits + dice of the last head" else {
            throw ReplayError(
                .unsupported, path: path, "the loss '\(description.loss.prefix(100))' is not known to this version")
        }
        // A model has tensors for each block, so more blocks than tensors cannot be.
        guard max(sizes.depth, sizes.out_indices.count) <= recording.remaining.count else {
            throw ReplayError(.contradiction, path: path, "the file holds too few tensors for the blocks of its model")
        }
        guard 1...1 << 20 ~= description.batch else {
            throw ReplayError(.badDescription, path: path, "a batch of \(description.batch) cannot be replayed")
        }
        var encoder = Configuration()
        (encoder.image, encoder.patch, encoder.channels) = (sizes.img_size, sizes.patch_size, sizes.in_chans ?? 3)
        (encoder.dim, encoder.depth, encoder.heads) = (sizes.embed_dim, sizes.depth, sizes.num_heads)
        (encoder.mlpRatio, encoder.layerNormEpsilon) = (mlpRatio, description.layer_norm_eps)
        var configuration = SegmentationConfiguration(encoder: encoder)
        (configuration.headBlocks, configuration.headWidth, configuration.classes) = (
            sizes.out_indices, sizes.head_width, description.num_classes
        )
        configuration.hasQKVBias = description.qkv_bias
        (configuration.batchNormEpsilon, configuration.batchNormMomentum) = (
            description.batch_norm.eps, description.batch_norm.momentum
        )
        // The public code's heads enlarge the grid sixteen times, whatever the patches.
        if 1...4096 ~= encoder.grid { configuration.maskSide = 16 * encoder.grid }
        do {
            return try SegmentationModel(configuration)
        } catch {
            throw ReplayError(.badDescription, path: path, error.description)
        }
    }

    private static func optimizer(_ description: SegmentationDescription, _ recording: Recording) throws(ReplayError)
        -> Optimizer
    {
        let options = description.optimizer
        guard options.name.lowercased() == "adam" else {
            throw ReplayError(
                .unsupported, path: recording.path,
                "the optimizer '\(options.name.prefix(40))' is not known to this version")
        }
        guard options.betas.count == 2 else {
            throw ReplayError(.badDescription, path: recording.path, "Adam has two betas, not \(options.betas.count)")
        }
        return .adam(
            learningRate: options.lr, betas: (options.betas[0], options.betas[1]), epsilon: options.eps,
            weightDecay: options.weight_decay)
    }
}
