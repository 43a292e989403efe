/// 1 where the last axis has the index that `labels` names, 0 elsewhere: i32 [...] -> f32 [..., classes].
///
/// Labels that a program is given are checked before each run: they are from 0 to below `classes`.
public func oneHot(_ labels: Tensor, classes: Int) -> Tensor {
    guard labels.isValid else { return labels }
    labels.builder.expectIndices(labels, below: classes)
    let shape = labels.shape + [classes]
    let indices = labels.builder.add(Iota(TensorType(.i32, shape), axis: shape.count - 1), [])
    return equal(indices, labels.reshape(labels.shape + [1])).cast(.f32)
}

/// The mean cross entropy of logits [n, classes] and labels (i32 [n]), a scalar.
///
/// With label smoothing s the target is (1 − s) on the label plus s / classes everywhere (Szegedy et al. 2016).
public func crossEntropy(
    _ logits: Tensor, _ labels: Tensor, smoothing: Double = 0, file: String = #fileID, line: Int = #line
) -> Tensor {
    guard logits.isValid, labels.isValid else { return logits.isValid ? labels : logits }
    guard logits.rank == 2, labels.type == TensorType(.i32, [logits.shape[0]]) else {
        return logits.builder.report(
            GraphError(
                .shape, operation: "crossEntropy",
                "takes logits f32[n,classes] and labels i32[n], has \(logits.type) and \(labels.type)",
                location: logits.builder.location(file, line)))
    }
    return crossEntropy(
        logits, targets: oneHot(labels, classes: logits.shape[1]), smoothing: smoothing, file: file, line: line)
}

/// The mean cross entropy of logits [n, classes] and target distributions [n, classes], whose rows add up to 1, a
/// scalar.
///
/// With label smoothing s the target is (1 − s) times the given one plus s / classes everywhere (Szegedy et al. 2016).
public func crossEntropy(
    _ logits: Tensor, targets: Tensor, smoothing: Double = 0, file: String = #fileID, line: Int = #line
) -> Tensor {
    guard logits.isValid, targets.isValid else { return logits.isValid ? targets : logits }
    guard logits.rank == 2, targets.type == logits.type else {
        return logits.builder.report(
            GraphError(
                .shape, operation: "crossEntropy",
                "takes logits and targets f32[n,classes], has \(logits.type) and \(targets.type)",
                location: logits.builder.location(file, line)))
    }
    let target = smoothing == 0 ? targets : targets * (1 - smoothing) + smoothing / Double(logits.shape[1])
    return -mean(sum(target * logSoftmax(logits), axes: [-1]))
}

/// The mean of the squared differences, a scalar.
public func meanSquaredError(_ prediction: Tensor, _ target: Tensor) -> Tensor {
    let difference = prediction - target
    return mean(difference * difference)
}

/// The index (i32) of the largest element along the last axis; of equal ones the first. NaN counts as the largest, as
/// in PyTorch.
public func argmax(_ x: Tensor) -> Tensor {
    guard x.isValid else { return x }
    guard let count = x.shape.last else {
        return x.builder.report(
            GraphError(.shape, operation: "argmax", "a scalar has no axis to search", location: x.builder.location))
    }
    let indices = x.builder.add(Iota(TensorType(.i32, x.shape), axis: x.rank - 1), [])
    // In a row with NaN, whose maximum is NaN, nothing equals the maximum.
    let isLargest = select(
        notEqual(x, x), equal(indices, indices), equal(x, maximum(x, axes: [-1], keepAxes: true)))
    return minimum(select(isLargest, indices, indices.constant(Double(count))), axes: [-1])
}

/// The share of rows whose largest logit is that of the label: logits [n, classes], labels i32 [n] -> scalar in 0…1.
public func accuracy(_ logits: Tensor, _ labels: Tensor) -> Tensor {
    mean(equal(argmax(logits), labels).cast(.f32))
}
