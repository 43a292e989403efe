import Apus

/// A block of a vision transformer: attention and a perceptron, both normalised before and added to what comes in.
///
/// *Shapes*: [batch, tokens, dim] -> the same.
struct TransformerBlock: Layer {
    let dim: Int, heads: Int, mlpRatio: Int, epsilon: Double
    var hasQKVBias = true
    /// The chance of a branch to be dropped for an image.
    var dropPath = 0.0

    var body: some Layer {
        Residual {
            norm1
            selfAttention.named("attn")
            if dropPath != 0 { DropPath(dropPath) }
        }
        Residual {
            LayerNorm(dim, epsilon: epsilon).named("norm2")
            Linear(dim, mlpRatio * dim, initializer: .xavierUniform).named("mlp.fc1")
            GELU()
            Linear(mlpRatio * dim, dim, initializer: .xavierUniform).named("mlp.fc2")
            if dropPath != 0 { DropPath(dropPath) }
        }
    }

    /// How much each token attends to each other one: [batch, tokens, dim] -> [batch, heads, tokens, tokens].
    func attention(_ x: Tensor) -> Tensor {
        let y = norm1(x)
        return scope("attn") { selfAttention.attention(y) }
    }

    private var selfAttention: SelfAttention {
        SelfAttention(dim, heads: heads, qkvBias: hasQKVBias, initializer: .xavierUniform)
    }

    private var norm1: some Layer { LayerNorm(dim, epsilon: epsilon).named("norm1") }
}
