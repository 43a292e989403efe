import ApusIR

/// Multi-head attention of tokens to each other (Vaswani et al. 2017), with the layers `qkv` and `proj` as timm names
/// them.
///
/// *Shapes*: [batch, tokens, dim] -> the same.
public struct SelfAttention: Layer {
    /// How long a token is, heads of queries, heads of keys and values, whether `qkv` has a bias, and the base of
    /// rotary positions.
    public let dim: Int, heads: Int, keyHeads: Int, qkvBias: Bool, rotaryBase: Double?
    /// The chance of a probability to be dropped in training.
    public let dropout: Double
    private let masks: [AttentionMask]
    private let initializer: Initializer?
    private let file: String, line: Int

    /// - Parameters:
    ///   - keyHeads: Heads of keys and values, which several heads of queries share (Ainslie et al. 2023); if nil, as
    ///     many as heads.
    ///   - masks: What a token may not attend to, such as `[.causal]`.
    ///   - dropout: The chance of a probability to be dropped in training, in 0..<1; others are a mistake that the
    ///     graph reports.
    ///   - rotaryBase: The base of rotary positions, usually 10000; if nil, there are none.
    ///   - initializer: Of the weights of `qkv` and `proj`; see ``Linear``.
    public init(
        _ dim: Int, heads: Int, keyHeads: Int? = nil, qkvBias: Bool = true, masks: [AttentionMask] = [],
        dropout: Double = 0, rotaryBase: Double? = nil, initializer: Initializer? = nil, file: String = #fileID,
        line: Int = #line
    ) {
        (self.dim, self.heads, self.keyHeads) = (dim, heads, keyHeads ?? heads)
        (self.qkvBias, self.masks, self.rotaryBase) = (qkvBias, masks, rotaryBase)
        self.dropout = dropout
        self.initializer = initializer
        self.file = file
        self.line = line
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        located(file, line) {
            guard let (queries, keys, values) = projections(of: x) else { return x.builder.invalid() }
            let mixed = ApusLayers.attention(
                queries: queries, keys: keys, values: values, masks: masks, dropout: dropout)
            return Linear(dim, dim, initializer: initializer).named("proj")(mixed.reshape(x.shape))
        }
    }

    /// How much each token attends to each other one, per head; every row sums to 1.
    ///
    /// *Shapes*: [batch, tokens, dim] -> [batch, heads, tokens, tokens].
    public func attention(_ x: Tensor) -> Tensor {
        located(file, line) {
            guard let (queries, keys, _) = projections(of: x) else { return x.builder.invalid() }
            return attentionProbabilities(queries, keys, masks)
        }
    }

    /// Queries, keys and values, each [batch, tokens, heads, dim of a head]; nil after a mistake.
    private func projections(of x: Tensor) -> (Tensor, Tensor, Tensor)? {
        guard x.isValid else { return nil }
        guard heads > 0, dim > 0, dim % heads == 0, keyHeads > 0, heads % keyHeads == 0 else {
            let sharing = keyHeads == heads ? "" : ", or \(keyHeads) heads of keys the heads"
            _ = x.mistake("SelfAttention", "\(heads) heads do not divide the dimension \(dim)\(sharing)")
            return nil
        }
        guard x.rank == 3, x.shape[2] == dim else {
            _ = x.mistake("SelfAttention", "takes [batch,tokens,\(dim)], has \(shapeText(x.shape))")
            return nil
        }
        let size = dim / heads, extents = [heads, keyHeads, keyHeads].map { $0 * size }
        let joint = Linear(dim, extents.reduce(0, +), bias: qkvBias, initializer: initializer).named("qkv")(x)
        var parts = split(joint, sizes: extents, axis: 2).map { part in
            part.reshape([x.shape[0], x.shape[1], -1, size])
        }
        if let rotaryBase { for part in 0..<2 { parts[part] = rotaryPositions(parts[part], base: rotaryBase) } }
        return (parts[0], parts[1], parts[2])
    }
}
