/// Sizes and constants of an MSMAE model; checked by ``validate()`` before a model is made of it.
public struct Configuration: Hashable, Sendable {
    /// How pre-training learns.
    public enum Method: String, Hashable, Sendable, CaseIterable {
        /// From hidden patches and from labels, with attention-driven masking after a while.
        case msmae
        /// From hidden patches alone, with random masking throughout (He et al. 2022): the baseline.
        case mae
    }

    /// How far to follow the released code where it departs from the method.
    public enum Variant: String, Hashable, Sendable, CaseIterable {
        /// Cross entropy of the logits.
        case corrected
        /// Cross entropy of softmax probabilities, which applies softmax twice.
        case released
    }

    /// Side of the square images, in pixels.
    public var image = 224
    /// Side of the square patches, in pixels.
    public var patch = 16
    public var channels = 3

    public var dim = 768
    public var depth = 12
    public var heads = 12
    public var decoderDim = 512
    public var decoderDepth = 8
    public var decoderHeads = 16
    /// Width of a block's perceptron, in multiples of its dimension.
    public var mlpRatio = 4
    public var layerNormEpsilon = 1e-6
    public var classes = 2

    /// Share of the patches that attention-driven masking hides from the encoder and asks of the decoder.
    public var maskRatio = 0.45
    /// Share of the patches that attention-driven masking drops altogether.
    public var throwRatio = 0.3
    /// Share of the patches that random masking hides.
    public var randomMaskRatio = 0.75
    /// Whether the decoder predicts patches that are normalised one by one.
    public var normalizePixels = false
    /// Weight of the classification loss beside the reconstruction loss.
    public var classificationLossWeight = 0.1
    public var variant = Variant.corrected
    public var method = Method.msmae

    public init() {}

    /// Patches along one side of an image.
    public var grid: Int { patch > 0 ? image / patch : 0 }
    /// Patches of an image.
    public var tokens: Int { grid * grid }
    /// Numbers in a patch.
    public var patchSize: Int { patch * patch * channels }
}

/// Why a configuration makes no model.
public enum ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    case sizeOutOfRange(name: String, value: Int)
    case patchDoesNotDivideImage(patch: Int, image: Int)
    case headsDoNotDivide(part: String, heads: Int, dim: Int)
    /// Two-dimensional sine-cosine positions need a dimension that is a multiple of 4.
    case dimensionWithoutPositions(part: String, dim: Int)
    case ratioOutOfRange(name: String, value: Double)
    case nothingIsVisible(masking: Masking, tokens: Int)
    case nothingIsPredicted(masking: Masking, tokens: Int)
    case numberOutOfRange(name: String, value: Double)
    /// Heads read after blocks of the encoder, in ascending order.
    case headsWithoutBlocks(blocks: [Int], depth: Int)

    public var description: String {
        switch self {
        case .sizeOutOfRange(let name, let value):
            "\(name) is \(value); it must be from \(Configuration.sizes.lowerBound) to \(Configuration.sizes.upperBound)"
        case .patchDoesNotDivideImage(let patch, let image):
            "an image of \(image) pixels is not a whole number of patches of \(patch)"
        case .headsDoNotDivide(let part, let heads, let dim):
            "\(heads) heads do not divide the \(part)'s dimension \(dim)"
        case .dimensionWithoutPositions(let part, let dim):
            "the \(part)'s dimension \(dim) is not a multiple of 4, which its position table needs"
        case .ratioOutOfRange(let name, let value): "\(name) is \(value); it must be from 0 to 1"
        case .nothingIsVisible(let masking, let tokens): "\(masking) masking leaves none of \(tokens) patches to see"
        case .nothingIsPredicted(let masking, let tokens):
            "\(masking) masking leaves none of \(tokens) patches to predict"
        case .headsWithoutBlocks(let blocks, let depth):
            "heads after blocks \(blocks): they must be in ascending order, from 0 to \(depth - 1)"
        case .numberOutOfRange(let name, let value): "\(name) is \(value); it must be a number from 0 on"
        }
    }
}

extension Configuration {
    static let sizes = 1...65536

    /// Throws the first reason why this makes no model.
    public func validate() throws(ConfigurationError) { try validate(masking: true) }

    /// Throws the first reason why this makes no model; without `masking`, of a model that sees whole images only.
    func validate(masking hidesPatches: Bool) throws(ConfigurationError) {
        let sizes = [
            ("image", image), ("patch", patch), ("channels", channels), ("dim", dim), ("depth", depth),
            ("heads", heads),
            ("decoderDim", decoderDim), ("decoderDepth", decoderDepth), ("decoderHeads", decoderHeads),
            ("mlpRatio", mlpRatio),
            ("classes", classes),
        ]
        for (name, value) in sizes where !Self.sizes.contains(value) { throw .sizeOutOfRange(name: name, value: value) }
        guard image % patch == 0 else { throw .patchDoesNotDivideImage(patch: patch, image: image) }
        for (part, dim, heads) in [("encoder", dim, heads), ("decoder", decoderDim, decoderHeads)] {
            guard dim % heads == 0 else { throw .headsDoNotDivide(part: part, heads: heads, dim: dim) }
            guard dim % 4 == 0 else { throw .dimensionWithoutPositions(part: part, dim: dim) }
        }
        for (name, value) in [
            ("layer norm epsilon", layerNormEpsilon), ("classification loss weight", classificationLossWeight),
        ] {
            guard value >= 0, value.isFinite else { throw .numberOutOfRange(name: name, value: value) }
        }
        let ratios = [
            ("mask ratio", maskRatio), ("throw ratio", throwRatio),
            ("mask ratio + throw ratio", maskRatio + throwRatio),
            ("random mask ratio", randomMaskRatio),
        ]
        for (name, value) in ratios {
            guard (0...1).contains(value) else { throw .ratioOutOfRange(name: name, value: value) }
        }
        for masking in Masking.allCases where hidesPatches {
            let split = split(masking)
            guard split.kept > 0 else { throw .nothingIsVisible(masking: masking, tokens: tokens) }
            guard split.masked > 0 else { throw .nothingIsPredicted(masking: masking, tokens: tokens) }
        }
    }
}
