import ApusIR

/// A restriction of the keys that a query may attend to; several of them hold together.
public enum AttentionMask {
    /// Those up to its own place: tokens see no later ones.
    case causal
    /// Of each sequence the first ones, as many as lengths i32 [batch] say; the rest is padding.
    case lengths(Tensor)
    /// Those where a tensor is true: bool, broadcast to [batch, heads, queries, keys].
    case allowed(Tensor)
    /// All, with numbers that are added before softmax, broadcast to [batch, heads, queries, keys]; −∞ forbids.
    case added(Tensor)
}

/// softmax(q · kᵀ / √d) · v, with masks, as PyTorch's `scaled_dot_product_attention`. A query that may attend to
/// nothing gets zeros.
///
/// *Shapes*: queries [batch, n, heads, d], keys and values [batch, m, heads or a part of them, d] -> [batch, n, heads,
/// d]. Several heads in a row share a head of keys where there are fewer (Ainslie et al. 2023).
public func attention(
    queries: Tensor, keys: Tensor, values: Tensor, masks: [AttentionMask] = [], scale: Double? = nil,
    file: String = #fileID, line: Int = #line
) -> Tensor {
    guard queries.isValid, keys.isValid, values.isValid else { return queries.builder.invalid() }
    let place = queries.builder.location(file, line)
    guard queries.rank == 4, keys.rank == 4, values.rank == 4, keys.shape[0] == queries.shape[0],
        keys.shape.prefix(3) == values.shape.prefix(3), keys.shape[3] == queries.shape[3],
        queries.shape[2] % keys.shape[2] == 0
    else {
        return queries.mistake(
            "attention",
            "takes queries [b,n,h,d], keys [b,m,h/g,d] and values [b,m,h/g,e], has \(shapeText(queries.shape)), \(shapeText(keys.shape)) and \(shapeText(values.shape))",
            at: place)
    }
    let values = shared(values, queries.shape[2])
    let probabilities = attentionProbabilities(queries, keys, masks, scale: scale, place)
    let mixed = dot(probabilities, values, batch: [(0, 0), (1, 2)], contracting: [(3, 1)])  // [b, h, n, e]
    return mixed.isValid ? mixed.transpose([0, 2, 1, 3]) : mixed
}

/// How much each query attends to each key: [b, n, h, d] and [b, m, h, d] -> [b, h, n, m].
func attentionProbabilities(
    _ queries: Tensor, _ keys: Tensor, _ masks: [AttentionMask], scale: Double? = nil,
    _ place: SourceLocation? = nil
) -> Tensor {
    let keys = shared(keys, queries.shape[2])
    let scores =
        dot(queries, keys, batch: [(0, 0), (2, 2)], contracting: [(3, 3)])
        * (scale ?? 1 / Double(queries.shape[3]).squareRoot())
    return softmax(masks.reduce(scores) { masked($0, $1, place) }, isSafe: !masks.isEmpty)
}

/// Each head of keys as often as heads of queries share it: [b, m, h/g, d] -> [b, m, h, d].
private func shared(_ x: Tensor, _ heads: Int) -> Tensor {
    guard x.shape[2] != heads else { return x }
    let (b, m, h, d) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
    return x.expanded(3).broadcast(to: [b, m, h, heads / h, d]).reshape([b, m, heads, d])
}

/// Scores with −∞ where a mask forbids.
private func masked(_ scores: Tensor, _ mask: AttentionMask, _ place: SourceLocation?) -> Tensor {
    guard scores.isValid else { return scores }
    let builder = scores.builder, (b, n, m) = (scores.shape[0], scores.shape[2], scores.shape[3])
    func allowed(_ condition: Tensor) -> Tensor { select(condition, scores, scores.constant(-.infinity)) }
    switch mask {
    case .causal:
        return allowed(AttentionScores.causalMask(builder, [n, m]))
    case .lengths(let lengths):
        guard !lengths.isValid || lengths.type == TensorType(.i32, [b]) else {
            return scores.mistake("attention", "takes lengths i32[\(b)], has \(lengths.type)", at: place)
        }
        return allowed(less(builder.add(Iota(TensorType(.i32, [m]), axis: 0), []), lengths.reshape([b, 1, 1, 1])))
    case .allowed(let condition):
        guard !condition.isValid || condition.element == .bool else {
            return scores.mistake("attention", "the mask is \(condition.type), not bool", .elementType, at: place)
        }
        return allowed(condition)
    case .added(let numbers): return scores + numbers
    }
}
