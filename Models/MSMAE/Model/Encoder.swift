import Apus

/// The vision transformer that looks at images: patch embedding, class token, positions and blocks.
struct Encoder {
    let configuration: Configuration
    /// Whether positions are learned; in pre-training they are a fixed sine-cosine table.
    var learnsPositions = false
    /// The chance that a branch of the last block is dropped for an image; it rises linearly from 0 in the first block,
    /// as in timm.
    var dropPath = 0.0
    /// Whether the projections to queries, keys and values have a bias.
    var hasQKVBias = true

    private var dim: Int { configuration.dim }

    /// Images [batch, channels, side, side] to tokens [batch, 1 + patches, dim], class token first.
    ///
    /// - Parameter kept: The patches to look at, i32 [batch, kept]; all of them if nil.
    func callAsFunction(_ images: Tensor, keeping kept: Tensor? = nil) -> Tensor {
        let tokens = tokens(images, keeping: kept)
        guard dropPath != 0 else { return blocks(configuration.depth)(tokens) }
        return drawing(from: Input("random_key", [2], .int32)) { blocks(configuration.depth)(tokens) }
    }

    /// The tokens [batch, 1 + patches, dim] after some of the blocks. Blocks that nothing depends on are not trained.
    func tokens(_ images: Tensor, afterBlocks wanted: [Int]) -> [Tensor] {
        var x = tokens(images, keeping: nil), found: [Tensor] = []
        scope("blocks") {
            for index in 0..<configuration.depth {
                let block = block(index).named("\(index)")
                x = index <= wanted.max() ?? -1 ? block(x) : frozen { block(x) }
                if wanted.contains(index) { found.append(x) }
            }
        }
        return found
    }

    /// How much each token attends to each other one in the last block: images -> [batch, heads, 1 + patches, 1 +
    /// patches].
    func lastAttention(_ images: Tensor) -> Tensor {
        let last = configuration.depth - 1
        let x = blocks(last)(tokens(images, keeping: nil))
        return scope("blocks.\(last)") { block(last).attention(x) }
    }

    /// How much the class token attends to each patch in the last block: images -> [batch, heads, patches].
    func classAttention(_ images: Tensor) -> Tensor {
        let attention = lastAttention(images)
        guard attention.isValid else { return attention }
        return attention.slice(0..<1, axis: 2).slice(1..<1 + configuration.tokens, axis: 3)
            .reshape([-1, configuration.heads, configuration.tokens])
    }

    private func tokens(_ images: Tensor, keeping kept: Tensor?) -> Tensor {
        let classToken = weight("cls_token", [1, 1, dim], .normal(deviation: 0.02))
        let positions = weight(
            "pos_embed", [1, 1 + configuration.tokens, dim], .sineCosine2D(grid: configuration.grid, leadingZeros: 1),
            trainable: learnsPositions)
        let embedding = PatchEmbedding(
            patch: configuration.patch, channels: configuration.channels, dim: dim, initializer: .xavierUniform)
        var patches = embedding.named("patch_embed")(images) + positions.slice(1..<1 + configuration.tokens, axis: 1)
        if let kept { patches = gather(patches, kept, batch: 1) }
        return prepend(classToken + positions.slice(0..<1, axis: 1), to: patches)
    }

    private func block(_ index: Int) -> TransformerBlock {
        var block = TransformerBlock(
            dim: dim, heads: configuration.heads, mlpRatio: configuration.mlpRatio,
            epsilon: configuration.layerNormEpsilon,
            hasQKVBias: hasQKVBias)
        block.dropPath = configuration.depth > 1 ? dropPath * Double(index) / Double(configuration.depth - 1) : 0
        return block
    }

    private func blocks(_ count: Int) -> some Layer {
        Sequential { for index in 0..<count { block(index) } }.named("blocks")
    }
}

/// Puts one token [1, 1, dim] before the tokens [batch, n, dim] of each image.
func prepend(_ token: Tensor, to tokens: Tensor) -> Tensor {
    guard tokens.isValid, token.isValid else { return tokens.isValid ? token : tokens }
    return concatenate([token.broadcast(to: [tokens.shape[0], 1, tokens.shape[2]]), tokens], axis: 1)
}
