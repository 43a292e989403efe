import Apus

/// SETR-PUP on an encoder of MSMAE: finds regions in images, pixel by pixel.
///
/// Weights have the names of the public code's state dict: the encoder's behind `VIT.`, and heads `Head.HeadN` for the
/// block N that they read.
public struct SegmentationModel: Sendable {
    public let configuration: SegmentationConfiguration
    /// What the names of the encoder's weights begin with.
    static let encoderPrefix = "VIT."

    /// Throws if no model can be made of the configuration.
    public init(_ configuration: SegmentationConfiguration) throws(ConfigurationError) {
        try configuration.validate()
        self.configuration = configuration
    }

    /// The published heads on the encoder of a model, with one kind of regions.
    public init(on model: MaskedAutoencoder) { configuration = SegmentationConfiguration(encoder: model.configuration) }

    /// One step of training: the loss of the last head, with the gradient of it and of the encoder.
    ///
    /// The other heads see their maps too, as in the public code: nothing trains their weights, but their running
    /// statistics follow.
    ///
    /// Inputs: `images` [batch, channels, side, side] and `masks` [batch, classes, side, side] of 0 and 1. Outputs:
    /// `loss`, `iou` and `dice` of the batch, `logits`, and with `allLogits` those of each head, `logits.0`,
    /// `logits.1`...
    public func training(batch: Int, allLogits: Bool = false, optimizer: Optimizer) -> TrainingStep {
        TrainingStep("segmentation_training", optimizer: optimizer) {
            let logits = logits(batch: batch, idleHeads: true), last = logits[logits.count - 1]
            let masks = Input("masks", [batch, configuration.classes, side, side])
            let overlap = overlap(last, masks)
            Loss(crossEntropyDiceLoss(last, masks))
            Metric("iou", overlap.iou)
            Metric("dice", overlap.dice)
            if allLogits { for (number, logits) in logits.enumerated() { Output("logits.\(number)", logits) } }
        }
    }

    /// The scores of each pixel, by the last head.
    ///
    /// Input: `images`. Output: `logits` [batch, classes, side, side], above 0 where a region is likelier than not;
    /// with `allLogits` also those of each head, `logits.0`, `logits.1`...
    public func segmentation(batch: Int, allLogits: Bool = false) -> InferenceStep {
        InferenceStep("segmentation") {
            let logits = logits(batch: batch, idleHeads: allLogits)
            Output("logits", logits[logits.count - 1])
            if allLogits { for (number, logits) in logits.enumerated() { Output("logits.\(number)", logits) } }
        }
    }

    private var side: Int { configuration.maskSide ?? configuration.encoder.image }

    /// The scores [batch, classes, side, side] by each of the heads, or by the last alone.
    private func logits(batch: Int, idleHeads: Bool) -> [Tensor] {
        let encoder = configuration.encoder, blocks = configuration.headBlocks
        let images = Input("images", [batch, encoder.channels, encoder.image, encoder.image])
        let tokens = scope("VIT") {
            Encoder(configuration: encoder, learnsPositions: true, hasQKVBias: configuration.hasQKVBias).tokens(
                images, afterBlocks: blocks)
        }
        return scope("Head") {
            zip(blocks, tokens).dropFirst(idleHeads ? 0 : blocks.count - 1).map { block, tokens in
                func scores() -> Tensor {
                    let map = tokens.slice(1..<1 + encoder.tokens, axis: 1).reshape([
                        batch, encoder.grid, encoder.grid, encoder.dim,
                    ])
                    return UpsamplingHead(configuration: configuration).named("Head\(block)")(map).transpose([
                        0, 3, 1, 2,
                    ])
                }
                return block == blocks.last ? scores() : frozen(scores)
            }
        }
    }
}
