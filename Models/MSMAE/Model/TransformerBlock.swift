import Apus

/// A block of a vision transformer: attention and a perceptron, both normalised before and added to what comes in.
///
/// *Shapes*: [batch, tokens, dim] -> the same.
struct TransformerBlock: Layer {
    let dim: Int, heads: Int, mlpRatio: Int, epsilon: Double
    var hasQKVBias = true
    /// What drops the branches for some images; a block without drops none.
    var attentionDropPath: DropPath?, perceptronDropPath: DropPath?

    var body: some Layer {
        Residual {
            norm1
            SelfAttention(dim, heads: heads, qkvBias: hasQKVBias).named("attn")
            if let attentionDropPath { attentionDropPath }
        }
        Residual {
            LayerNorm(dim, epsilon: epsilon).named("norm2")
            Linear(dim, mlpRatio * dim).named("mlp.fc1")
            GELU()
            Linear(mlpRatio * dim, dim).named("mlp.fc2")
            if let perceptronDropPath { perceptronDropPath }
        }
    }

    /// How much each token attends to each other one: [batch, tokens, dim] -> [batch, heads, tokens, tokens].
    func attention(_ x: Tensor) -> Tensor {
        let y = norm1(x)
        return scope("attn") { SelfAttention(dim, heads: heads, qkvBias: hasQKVBias).attention(y) }
    }

    private var norm1: some Layer { LayerNorm(dim, epsilon: epsilon).named("norm1") }
}
