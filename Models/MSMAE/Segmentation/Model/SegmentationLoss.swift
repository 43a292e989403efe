import Apus

/// 0.5 · binary cross entropy + Dice loss, of logits and masks [batch, ...]: 0 where they agree fully.
///
/// The Dice loss is 1 − (2 Σ p·m + ε) / (Σ p + Σ m + ε) with the probabilities p, for each image, averaged (Milletari
/// et al. 2016); ε = 1e-5.
func crossEntropyDiceLoss(_ logits: Tensor, _ masks: Tensor) -> Tensor {
    let crossEntropy = maximum(logits, 0) - logits * masks + log(1 + exp(-abs(logits)))
    let probabilities = sigmoid(logits), axes = Array(1..<logits.rank)
    let common = sum(probabilities * masks, axes: axes), total = sum(probabilities, axes: axes) + sum(masks, axes: axes)
    return mean(crossEntropy) * 0.5 + (1 - mean((common * 2 + overlapSmoothing) / (total + overlapSmoothing)))
}

/// How far logits and masks cover each other where the probability is above one half: intersection over union, and the
/// Dice coefficient, which is F1; of the batch of all ranks. Both are 1 where there is nothing in either.
func overlap(_ logits: Tensor, _ masks: Tensor) -> (iou: Tensor, dice: Tensor) {
    let found = greater(logits, logits.constant(0)).cast(.float32),
        wanted = greater(masks, masks.constant(0.5)).cast(.float32)
    let axes = Array(logits.shape.indices)
    let iou =
        (sumOverRanks(sum(found * wanted, axes: axes)) + overlapSmoothing)
        / (sumOverRanks(sum(maximum(found, wanted), axes: axes)) + overlapSmoothing)
    return (iou, iou * 2 / (iou + 1))
}

private let overlapSmoothing = 1e-5
