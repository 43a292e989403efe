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
///
/// - Parameter dropout: In training, each probability is 0 with this chance, in 0..<1; see ``Dropout``.
public func attention(
    queries: Tensor, keys: Tensor, values: Tensor, masks: [AttentionMask] = [], scale: Double? = nil,
    dropout: Double = 0, file: String = #fileID, line: Int = #line
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
    let heads = SharedHeads(queries, keys)
    let probabilities = dropped(
        heads.probabilities(queries, keys, masks, scale: scale, place), dropout, layer: "attention",
        at: place
    ) { $0.shape }
    return heads.mixed(probabilities, values)
}

/// How much each query attends to each key: [b, n, h, d] and [b, m, h or a part of it, d] -> [b, h, n, m].
func attentionProbabilities(_ queries: Tensor, _ keys: Tensor, _ masks: [AttentionMask]) -> Tensor {
    let probabilities = SharedHeads(queries, keys).probabilities(queries, keys, masks)
    return probabilities.isValid
        ? probabilities.reshape([queries.shape[0], queries.shape[2], queries.shape[1], keys.shape[1]]) : probabilities
}

/// Heads of queries in groups that share a head of keys and values: an axis of groups and one within a group, along
/// which keys and values are repeated, not in memory but by how they are read; or one axis, if nothing is shared.
private struct SharedHeads {
    private let shape: [Int]

    init(_ queries: Tensor, _ keys: Tensor) {
        let (heads, groups) = (queries.shape[2], keys.shape[2])
        shape = groups == heads ? [heads] : [groups, heads / groups]
    }

    /// [b, heads..., n, m] of queries [b, n, h, d] and keys [b, m, h/g, d].
    func probabilities(
        _ queries: Tensor, _ keys: Tensor, _ masks: [AttentionMask], scale: Double? = nil,
        _ place: SourceLocation? = nil
    ) -> Tensor {
        let queries = queries.reshape(Array(queries.shape.prefix(2)) + shape + [queries.shape[3]])
        let last = queries.rank - 1, heads = shape.indices.map { (2 + $0, 2 + $0) }
        let scores =
            dot(queries, repeated(keys), batch: [(0, 0)] + heads, contracting: [(last, last)])
            * (scale ?? 1 / Double(keys.shape[3]).squareRoot())
        return softmax(masks.reduce(scores) { masked($0, $1, place) }, isSafe: !masks.isEmpty)
    }

    /// Probabilities [b, heads..., n, m] of values [b, m, h/g, e]: [b, n, h, e].
    func mixed(_ probabilities: Tensor, _ values: Tensor) -> Tensor {
        let mixed = dot(
            probabilities, repeated(values), batch: [(0, 0)] + shape.indices.map { (1 + $0, 2 + $0) },
            contracting: [(2 + shape.count, 1)])
        guard mixed.isValid else { return mixed }
        let (rows, columns) = (1 + shape.count, 2 + shape.count)
        let ordered = mixed.transpose([0, rows] + shape.indices.map { 1 + $0 } + [columns])
        return ordered.reshape([mixed.shape[0], mixed.shape[rows], shape.reduce(1, *), mixed.shape[columns]])
    }

    private func repeated(_ x: Tensor) -> Tensor {
        guard shape.count > 1 else { return x }
        return x.expanded(3).broadcast(to: Array(x.shape.prefix(2)) + shape + [x.shape[3]])
    }

    /// A mask that broadcasts to [b, h, n, m], for scores [b, heads..., n, m]; a mistake if it does not.
    private func spread(_ mask: Tensor, _ scores: Tensor, _ place: SourceLocation?) -> Tensor {
        guard mask.isValid else { return mask }
        let whole = [scores.shape[0], shape.reduce(1, *)] + scores.shape.suffix(2)
        guard mask.rank <= 4, zip(mask.shape.reversed(), whole.reversed()).allSatisfy({ $0 == 1 || $0 == $1 }) else {
            return mask.mistake(
                "attention", "the mask is \(mask.type), which does not broadcast to \(shapeText(whole))", at: place)
        }
        guard shape.count > 1, mask.rank >= 3 else { return mask }
        let axis = mask.rank - 3
        return mask.reshape(
            mask.shape[..<axis] + (mask.shape[axis] == 1 ? [1, 1] : shape) + mask.shape[(axis + 1)...])
    }

    /// Scores with −∞ where a mask forbids.
    private func masked(_ scores: Tensor, _ mask: AttentionMask, _ place: SourceLocation?) -> Tensor {
        guard scores.isValid else { return scores }
        let builder = scores.builder,
            (b, n, m) = (scores.shape[0], scores.shape[scores.rank - 2], scores.shape[scores.rank - 1])
        func allowed(_ condition: Tensor) -> Tensor { select(condition, scores, scores.constant(-.infinity)) }
        switch mask {
        case .causal:
            return allowed(AttentionScores.causalMask(builder, [n, m]))
        case .lengths(let lengths):
            guard !lengths.isValid || lengths.type == TensorType(.i32, [b]) else {
                return scores.mistake("attention", "takes lengths i32[\(b)], has \(lengths.type)", at: place)
            }
            let places = builder.add(Iota(TensorType(.i32, [m]), axis: 0), [])
            return allowed(less(places, lengths.reshape([b] + shape.map { _ in 1 } + [1, 1])))
        case .allowed(let condition):
            guard !condition.isValid || condition.element == .bool else {
                return scores.mistake("attention", "the mask is \(condition.type), not bool", .elementType, at: place)
            }
            return allowed(spread(condition, scores, place))
        case .added(let numbers): return scores + spread(numbers, scores, place)
        }
    }
}
