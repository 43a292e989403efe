/// 1 where the last axis has the index that `labels` names, 0 elsewhere: i32 [...] -> f32 [..., classes].
///
/// Labels that a program is given are checked before each run: they are from 0 to below `classes`, or `ignoredIndex`,
/// whose rows are 0 everywhere.
public func oneHot(_ labels: Tensor, classes: Int, ignoring ignoredIndex: Int? = nil) -> Tensor {
    labels.within("oneHot") {
        guard labels.isValid else { return labels }
        labels.builder.expectIndices(labels, below: classes, or: ignoredIndex)
        let shape = labels.shape + [classes]
        let indices = labels.builder.add(Iota(TensorType(.i32, shape), axis: shape.count - 1), [])
        let isLabel = equal(indices, labels.reshape(labels.shape + [1]))
        guard let ignoredIndex, 0..<classes ~= ignoredIndex else { return isLabel.cast(.f32) }
        let ones = isLabel.cast(.f32)
        return select(equal(indices, indices.constant(Double(ignoredIndex))), ones.constant(0), ones)
    }
}

/// The index (i32) of the largest element along the last axis; of equal ones the first. NaN counts as the largest, as
/// in PyTorch.
public func argmax(_ x: Tensor) -> Tensor {
    x.within("argmax") {
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
}

/// The share of rows whose largest logit is that of the label: logits [n, classes], labels i32 [n] -> scalar in 0…1.
public func accuracy(_ logits: Tensor, _ labels: Tensor) -> Tensor {
    logits.within("accuracy") { mean(equal(argmax(logits), labels).cast(.f32)) }
}

/// The share of rows whose label is among the `count` largest logits: logits [n, classes], labels i32 [n] -> scalar in
/// 0…1. Logits as large as that of the label count as larger.
public func topKAccuracy(_ logits: Tensor, _ labels: Tensor, _ count: Int) -> Tensor {
    logits.within("topKAccuracy") {
        guard logits.isValid, labels.isValid else { return logits.isValid ? labels : logits }
        guard logits.rank == 2, labels.type == TensorType(.i32, [logits.shape[0]]) else {
            return logits.mistake(
                "topKAccuracy", "takes logits f32[n,classes] and labels i32[n], has \(logits.type) and \(labels.type)")
        }
        let own = sum(oneHot(labels, classes: logits.shape[1]) * logits, axes: [-1], keepAxes: true)
        let larger = sum(greaterEqual(logits, own).cast(.f32), axes: [-1])
        return mean(lessEqual(larger, larger.constant(Double(count))).cast(.f32))
    }
}
