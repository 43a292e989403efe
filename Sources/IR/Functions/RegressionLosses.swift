/// The squared differences, as PyTorch's `mse_loss`.
public func meanSquaredError(
    _ prediction: Tensor, _ target: Tensor, reduction: LossReduction = .mean, file: String = #fileID, line: Int = #line
) -> Tensor {
    pairedLoss(prediction, target, "meanSquaredError", reduction, file, line) { x, t in
        let difference = x - t
        return difference * difference
    }
}

/// The absolute differences, as PyTorch's `l1_loss`.
public func meanAbsoluteError(
    _ prediction: Tensor, _ target: Tensor, reduction: LossReduction = .mean, file: String = #fileID, line: Int = #line
) -> Tensor {
    pairedLoss(prediction, target, "meanAbsoluteError", reduction, file, line) { abs($0 - $1) }
}

/// d² / 2β for differences d below β, elsewhere |d| − β/2 (Girshick 2015), as PyTorch's `smooth_l1_loss`.
public func smoothL1(
    _ prediction: Tensor, _ target: Tensor, beta: Double = 1, reduction: LossReduction = .mean,
    file: String = #fileID, line: Int = #line
) -> Tensor {
    guard beta > 0 else {
        return meanAbsoluteError(prediction, target, reduction: reduction, file: file, line: line)
    }
    return pairedLoss(prediction, target, "smoothL1", reduction, file, line) { x, t in
        let difference = x - t, size = abs(difference)
        return select(
            less(size, size.constant(beta)), difference * difference * (0.5 / beta), size - 0.5 * beta)
    }
}

/// d² / 2 for differences d up to δ, elsewhere δ · (|d| − δ/2) (Huber 1964), as PyTorch's `huber_loss`.
public func huberLoss(
    _ prediction: Tensor, _ target: Tensor, delta: Double = 1, reduction: LossReduction = .mean,
    file: String = #fileID, line: Int = #line
) -> Tensor {
    pairedLoss(prediction, target, "huberLoss", reduction, file, line) { x, t in
        let difference = x - t, size = abs(difference)
        return select(
            lessEqual(size, size.constant(delta)), difference * difference * 0.5, (size - 0.5 * delta) * delta)
    }
}

/// The cosine of the angle between rows along an axis, as PyTorch's `cosine_similarity`.
public func cosineSimilarity(_ x: Tensor, _ y: Tensor, axis: Int = -1, epsilon: Double = 1e-8) -> Tensor {
    x.within("cosineSimilarity") {
        guard x.isValid, y.isValid else { return x.isValid ? y : x }
        func length(_ x: Tensor) -> Tensor { maximum(norm(x, axes: [axis], keepAxes: true), epsilon) }
        return sum(x / length(x) * (y / length(y)), axes: [axis])
    }
}

/// Rows [n, d] that belong together (target 1) lose 1 − cos, others (target −1) max(0, cos − margin), as PyTorch's
/// `cosine_embedding_loss`. Targets are [n].
public func cosineEmbeddingLoss(
    _ x: Tensor, _ y: Tensor, _ target: Tensor, margin: Double = 0, reduction: LossReduction = .mean,
    file: String = #fileID, line: Int = #line
) -> Tensor {
    x.within("cosineEmbeddingLoss", at: x.builder.location(file, line)) {
        pairedLoss(cosineSimilarity(x, y), target, "cosineEmbeddingLoss", reduction, file, line) { cosine, target in
            select(greater(target, target.constant(0)), 1 - cosine, relu(cosine - margin))
        }
    }
}

/// max(0, |anchor − positive| − |anchor − negative| + margin) of rows [n, d], as PyTorch's `triplet_margin_loss`.
///
/// - Parameter p: Of the norm that measures distances.
public func tripletLoss(
    anchor: Tensor, positive: Tensor, negative: Tensor, margin: Double = 1, p: Double = 2,
    reduction: LossReduction = .mean, file: String = #fileID, line: Int = #line
) -> Tensor {
    anchor.within("tripletLoss", at: anchor.builder.location(file, line)) {
        // PyTorch's `pairwise_distance` adds its epsilon to the differences.
        let near = norm(anchor - positive + 1e-6, p, axes: [-1]), far = norm(anchor - negative + 1e-6, p, axes: [-1])
        return pairedLoss(near, far, "tripletLoss", reduction, file, line) { relu($0 - $1 + margin) }
    }
}

/// The divergence of Kullback and Leibler (1951) of target probabilities from predicted ones, given by their
/// logarithms: t · (log t − x), as PyTorch's `kl_div`; its mean over all elements is not the divergence, which is the
/// sum over the last axis.
///
/// - Parameter logTargets: Whether the targets are logarithms too.
public func klDivergence(
    _ logProbabilities: Tensor, _ targets: Tensor, logTargets: Bool = false, reduction: LossReduction = .mean,
    file: String = #fileID, line: Int = #line
) -> Tensor {
    pairedLoss(logProbabilities, targets, "klDivergence", reduction, file, line) { x, t in
        if logTargets { return exp(t) * (t - x) }
        let zero = t.constant(0), isPositive = greater(t, zero)
        return select(isPositive, t * (log(select(isPositive, t, t.constant(1))) - x), zero - t * x)
    }
}

/// 1 − (2 Σ p t + s) / (Σ p + Σ t + s), the loss of Dice's coefficient (Milletari, Navab, Ahmadi 2016) of probabilities
/// and targets [n, ...] of one shape, of each of the n, with s against empty ones; its mean.
public func diceLoss(
    _ probabilities: Tensor, _ targets: Tensor, smoothing: Double = 1, reduction: LossReduction = .mean,
    file: String = #fileID, line: Int = #line
) -> Tensor {
    guard probabilities.isValid, probabilities.rank > 1 else {
        return probabilities.isValid
            ? probabilities.mistake(
                "diceLoss", "takes probabilities [n,...], has \(shapeText(probabilities.shape))",
                at: probabilities.builder.location(file, line)) : probabilities
    }
    return pairedLoss(probabilities, targets, "diceLoss", reduction, file, line) { p, t in
        let axes = Array(1..<p.rank)
        let common = sum(p * t, axes: axes), total = sum(p, axes: axes) + sum(t, axes: axes)
        return 1 - (common * 2 + smoothing) / (total + smoothing)
    }
}
