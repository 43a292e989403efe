import ApusIR

/// Multi-head attention to the tokens themselves or to others (Vaswani et al. 2017), with the weights of PyTorch's
/// `MultiheadAttention`: `in_proj_weight` [3 · dim, dim] and `in_proj_bias`, or, for a memory of another dimension,
/// `q_proj_weight`, `k_proj_weight` and `v_proj_weight`; and the layer `out_proj`.
///
/// *Shapes*: [batch, tokens, dim] -> the same; the memory is [batch, tokens of it, dim of it].
public struct MultiheadAttention: Layer {
    /// How long a token is, heads that share it out, and whether projections have biases.
    public let dim: Int, heads: Int, hasBias: Bool
    /// The chance of a probability to be dropped in training.
    public let dropout: Double
    private let memory: Tensor?
    private let masks: [AttentionMask]
    private let file: String, line: Int

    /// - Parameters:
    ///   - memory: The tokens that are attended to, as by a decoder to what is encoded; if nil, the tokens themselves.
    ///   - masks: What a token may not attend to, such as `[.causal]` or `[.lengths(lengths)]`.
    ///   - dropout: The chance of a probability to be dropped in training, in 0..<1; others are a mistake that the
    ///     graph reports.
    public init(
        _ dim: Int, heads: Int, memory: Tensor? = nil, bias: Bool = true, masks: [AttentionMask] = [],
        dropout: Double = 0, file: String = #fileID, line: Int = #line
    ) {
        (self.dim, self.heads, self.memory, self.masks) = (dim, heads, memory, masks)
        hasBias = bias
        self.dropout = dropout
        self.file = file
        self.line = line
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        located(file, line) {
            let memory = memory ?? x
            guard x.isValid, memory.isValid else { return x.builder.invalid() }
            guard heads > 0, dim > 0, dim % heads == 0 else {
                return x.mistake("MultiheadAttention", "\(heads) heads do not divide the dimension \(dim)")
            }
            guard x.rank == 3, x.shape[2] == dim, memory.rank == 3, memory.shape[0] == x.shape[0] else {
                return x.mistake(
                    "MultiheadAttention",
                    "takes [batch,tokens,\(dim)] and a memory [batch,tokens,dim], has \(shapeText(x.shape)) and \(shapeText(memory.shape))"
                )
            }
            let parts = projections(x, memory).map { part in
                part.reshape([part.shape[0], part.shape[1], heads, dim / heads])
            }
            let mixed = attention(queries: parts[0], keys: parts[1], values: parts[2], masks: masks, dropout: dropout)
            return scope("out_proj") {
                let matrix = weight("weight", [dim, dim], .uniform(fanIn: dim))
                return linear(
                    mixed.reshape(x.shape), weight: matrix, bias: hasBias ? weight("bias", [dim], .zeros) : nil)
            }
        }
    }

    private func projections(_ x: Tensor, _ memory: Tensor) -> [Tensor] {
        let inner = memory.shape[2]
        let matrices: [Tensor]
        if inner == dim {
            matrices = split(weight("in_proj_weight", [3 * dim, dim], .xavierUniform), into: 3)
        } else {
            matrices = [("q", dim), ("k", inner), ("v", inner)].map { name, width in
                weight("\(name)_proj_weight", [dim, width], .xavierUniform)
            }
        }
        let biases = hasBias ? split(weight("in_proj_bias", [3 * dim], .zeros), into: 3) : []
        return matrices.enumerated().map { part, matrix in
            linear(part == 0 ? x : memory, weight: matrix, bias: biases.isEmpty ? nil : biases[part])
        }
    }
}
