import Apus

/// Sizes and constants of a segmentation model; checked before a model is made of it.
public struct SegmentationConfiguration: Hashable, Sendable {
    /// The encoder. Its `classes` and its decoder do not matter.
    public var encoder: Configuration
    /// Blocks of the encoder, counted from 0, after each of which a head reads the tokens; the last head's result is
    /// the model's.
    public var headBlocks: [Int]
    /// Channels inside of the heads.
    public var headWidth = 256
    /// Kinds of regions, each with a mask of its own.
    public var classes = 1
    /// Side of the masks, if it is not that of the images.
    public var maskSide: Int?
    /// Whether the projections to queries, keys and values have a bias; the released code drops the pre-trained one.
    public var hasQKVBias: Bool
    public var batchNormEpsilon = 1e-5
    /// How far the running statistics of batch normalisation move towards those of a batch.
    public var batchNormMomentum = 0.1

    /// The published heads, after blocks 3, 5, 7 and 11 of 12; of an encoder of another depth, after the same shares of
    /// the blocks.
    public init(encoder: Configuration) {
        self.encoder = encoder
        let counts = [4, 6, 8, 12].map { max(1, (encoder.depth * $0 + 11) / 12) }
        headBlocks = Set(counts).sorted().map { $0 - 1 }
        hasQKVBias = encoder.variant == .corrected
    }

    /// Sides of the maps after the stages of a head: each is twice the one before, and the last that of the masks.
    var stageSides: [Int] { (1...3).map { encoder.grid << $0 } + [maskSide ?? encoder.image] }

    func validate() throws(ConfigurationError) {
        try encoder.validate(masking: false)
        for (name, value) in [("head width", headWidth), ("mask classes", classes), ("mask side", maskSide ?? 1)] {
            guard Configuration.sizes.contains(value) else { throw .sizeOutOfRange(name: name, value: value) }
        }
        guard let first = headBlocks.first, let last = headBlocks.last, first >= 0, last < encoder.depth,
            zip(headBlocks, headBlocks.dropFirst()).allSatisfy({ $0 < $1 })
        else { throw .headsWithoutBlocks(blocks: headBlocks, depth: encoder.depth) }
        guard batchNormEpsilon >= 0, batchNormEpsilon.isFinite else {
            throw .numberOutOfRange(name: "batch norm epsilon", value: batchNormEpsilon)
        }
        guard (0...1).contains(batchNormMomentum) else {
            throw .ratioOutOfRange(name: "batch norm momentum", value: batchNormMomentum)
        }
    }
}
