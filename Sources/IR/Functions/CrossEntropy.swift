/// What is made of the losses of single elements.
public enum LossReduction: Hashable, Sendable {
    /// Their mean, a scalar; with weights, the weighted mean.
    case mean
    /// Their sum, a scalar.
    case sum
    /// They are left as they are.
    case none

    package func callAsFunction(_ losses: Tensor) -> Tensor {
        switch self {
        case .mean: ApusIR.mean(losses)
        case .sum: ApusIR.sum(losses, axes: Array(losses.shape.indices))
        case .none: losses
        }
    }
}

/// The cross entropy of logits [n, classes, ...] and labels i32 [n, ...], as PyTorch's `cross_entropy`.
///
/// Labels that a program is given are checked before each run: they are from 0 to below `classes`, or `ignoredIndex`.
///
/// - Parameters:
///   - weights: A factor for each class; means are divided by the sum of the factors that were used, on all ranks
///     (``GraphBuilder/ranks``).
///   - ignoredIndex: A label whose elements do not count.
///   - smoothing: With s the target is (1 − s) on the label plus s / classes everywhere (Szegedy et al. 2016).
public func crossEntropy(
    _ logits: Tensor, _ labels: Tensor, weights: [Double]? = nil, ignoredIndex: Int? = nil, smoothing: Double = 0,
    reduction: LossReduction = .mean, file: String = #fileID, line: Int = #line
) -> Tensor {
    guard logits.isValid, labels.isValid else { return logits.isValid ? labels : logits }
    let location = logits.builder.location(file, line)
    guard logits.rank >= 2,
        labels.type == TensorType(.i32, [logits.shape[0]] + logits.shape.dropFirst(2))
    else {
        return logits.mistake(
            "crossEntropy",
            "takes logits f32[n,classes] and labels i32[n], or both with further axes, has \(logits.type) and \(labels.type)",
            at: location)
    }
    let classes = logits.shape[1]
    if let weights, weights.count != classes {
        return logits.mistake(
            "crossEntropy", "there are \(weights.count) weights for \(classes) classes", .attribute, at: location)
    }
    let logits = logits.movingAxis(1, to: -1)
    let targets = oneHot(labels, classes: classes, ignoring: ignoredIndex)
    guard weights != nil || ignoredIndex != nil else {
        return crossEntropy(
            logits, targets: targets, smoothing: smoothing, reduction: reduction, file: file, line: line)
    }
    let scale = (weights ?? Array(repeating: 1, count: classes))
    let classWeights = logits.builder.add(Constant(TensorType(logits.element, [classes]), values: scale), [])
    let weighted = targets * classWeights
    let counted = ignoredIndex.map { notEqual(labels, labels.constant(Double($0))).cast(logits.element) }
    let logarithms = logSoftmax(logits)
    var losses = -sum(weighted * logarithms, axes: [-1])
    if smoothing > 0 {
        var everywhere = -sum(logarithms * classWeights, axes: [-1]) * (smoothing / Double(classes))
        if let counted { everywhere = everywhere * counted }
        losses = losses * (1 - smoothing) + everywhere
    }
    guard reduction == .mean else { return reduction(losses) }
    let factors = meanOverRanks(sum(weighted, axes: Array(weighted.shape.indices)))
    return sum(losses, axes: Array(losses.shape.indices)) / factors
}

/// The cross entropy of logits [..., classes] and target distributions of the same shape, whose rows add up to 1.
///
/// - Parameter smoothing: With s the target is (1 − s) times the given one plus s / classes everywhere (Szegedy et al.
///   2016).
public func crossEntropy(
    _ logits: Tensor, targets: Tensor, smoothing: Double = 0, reduction: LossReduction = .mean,
    file: String = #fileID, line: Int = #line
) -> Tensor {
    guard logits.isValid, targets.isValid else { return logits.isValid ? targets : logits }
    guard let classes = logits.shape.last, logits.rank >= 2, targets.type == logits.type else {
        return logits.mistake(
            "crossEntropy", "takes logits and targets f32[n,classes], has \(logits.type) and \(targets.type)",
            at: logits.builder.location(file, line))
    }
    let target = smoothing == 0 ? targets : targets * (1 - smoothing) + smoothing / Double(classes)
    let products = sum(target * logSoftmax(logits), axes: [-1])
    return reduction == .mean ? -mean(products) : reduction(-products)
}

/// The cross entropy of logits and target probabilities of the same shape, each of two classes, as PyTorch's
/// `binary_cross_entropy_with_logits`.
///
/// - Parameter positiveWeight: A factor for the positive class.
public func binaryCrossEntropy(
    _ logits: Tensor, _ targets: Tensor, positiveWeight: Double = 1, reduction: LossReduction = .mean,
    file: String = #fileID, line: Int = #line
) -> Tensor {
    pairedLoss(logits, targets, "binaryCrossEntropy", reduction, file, line) { x, t in
        // (1 − t) · x + w · softplus(−x), where w is 1 for negative and the positive weight for positive elements.
        guard positiveWeight != 1 else { return softplus(x) - t * x }
        return (1 - t) * x + (1 + t * (positiveWeight - 1)) * softplus(-x)
    }
}

/// The focal loss of logits and target probabilities of the same shape: cross entropies times (1 − p)^γ, p that of the
/// target, and α for positive, 1 − α for negative elements (Lin et al. 2017), as torchvision's `sigmoid_focal_loss`.
///
/// - Parameter alpha: Nil for no factor.
public func focalLoss(
    _ logits: Tensor, _ targets: Tensor, alpha: Double? = 0.25, gamma: Double = 2, reduction: LossReduction = .mean,
    file: String = #fileID, line: Int = #line
) -> Tensor {
    pairedLoss(logits, targets, "focalLoss", reduction, file, line) { x, t in
        let p = sigmoid(x), miss = p + t - p * t * 2  // 1 − p of the target
        var factor = miss.constant(1)
        if gamma == 2 {
            factor = miss * miss
        } else if gamma > 0 {
            // The derivative of a power below 1 is not finite at 0.
            let zero = miss.constant(0), isZero = lessEqual(miss, zero)
            factor = select(isZero, zero, power(select(isZero, miss.constant(1), miss), gamma))
        }
        let losses = (softplus(x) - t * x) * factor
        guard let alpha else { return losses }
        return losses * (t * (2 * alpha - 1) + (1 - alpha))
    }
}

/// A loss of two tensors of one shape, element by element.
func pairedLoss(
    _ prediction: Tensor, _ target: Tensor, _ name: String, _ reduction: LossReduction, _ file: String, _ line: Int,
    _ loss: (Tensor, Tensor) -> Tensor
) -> Tensor {
    guard prediction.isValid, target.isValid else { return prediction.isValid ? target : prediction }
    guard prediction.type == target.type, prediction.element.isFloatingPoint else {
        return prediction.mistake(
            name, "takes floating-point tensors of one shape, has \(prediction.type) and \(target.type)",
            at: prediction.builder.location(file, line))
    }
    return reduction(loss(prediction, target))
}
