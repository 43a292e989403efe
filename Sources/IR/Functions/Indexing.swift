/// Elements chosen along an axis by indices of the same rank, whose other extents are those of x, as PyTorch's
/// `gather`.
///
/// Indices (i32) outside of the axis are brought into it; those that a program is given are checked before each run.
public func takeAlongAxis(_ x: Tensor, _ indices: Tensor, axis: Int, file: String = #fileID, line: Int = #line)
    -> Tensor
{
    guard x.isValid, indices.isValid else { return x.isValid ? indices : x }
    let location = x.builder.location(file, line)
    guard let place = x.place(of: axis, "takeAlongAxis", location) else { return x.builder.invalid() }
    guard isAlong(x.shape, indices, place) else {
        return x.mistake(
            "takeAlongAxis",
            "takes indices i32 that differ from \(shapeText(x.shape)) along axis \(axis) only, has \(indices.type)",
            at: location)
    }
    x.builder.expectIndices(indices, below: x.shape[place])
    return gather(
        x.movingAxis(place, to: -1), indices.movingAxis(place, to: -1), batch: x.rank - 1, file: file, line: line
    ).movingAxis(-1, to: place)
}

/// x plus the updates at the places that indices (i32) of the same shape name along an axis, as PyTorch's
/// `scatter_add`.
///
/// Indices outside of the axis are brought into it; those that a program is given are checked before each run.
public func scatterAddAlongAxis(
    _ x: Tensor, _ indices: Tensor, _ updates: Tensor, axis: Int, file: String = #fileID, line: Int = #line
) -> Tensor {
    guard x.isValid, indices.isValid, updates.isValid else { return x.builder.invalid() }
    let location = x.builder.location(file, line)
    guard let place = x.place(of: axis, "scatterAddAlongAxis", location) else { return x.builder.invalid() }
    guard isAlong(x.shape, indices, place), updates.type == x.type.with(shape: indices.shape) else {
        return x.mistake(
            "scatterAddAlongAxis",
            "takes indices i32 and updates \(x.element) of one shape, which differs from \(shapeText(x.shape)) along axis \(axis) only; has \(indices.type) and \(updates.type)",
            at: location)
    }
    x.builder.expectIndices(indices, below: x.shape[place])
    return x
        + scatterAdd(
            updates.movingAxis(place, to: -1), at: indices.movingAxis(place, to: -1), rows: x.shape[place],
            batch: x.rank - 1
        ).movingAxis(-1, to: place)
}

private func isAlong(_ shape: [Int], _ indices: Tensor, _ axis: Int) -> Bool {
    var expected = shape
    guard indices.rank == shape.count else { return false }
    expected[axis] = indices.shape[axis]
    return indices.type == TensorType(.i32, expected)
}

/// The `count` largest elements along the last axis in descending order, and their indices (i32); of equal ones, the
/// first. NaN counts as the largest, as in PyTorch.
public func topK(_ x: Tensor, _ count: Int, file: String = #fileID, line: Int = #line) -> (
    values: Tensor, indices: Tensor
) {
    guard x.isValid else { return (x, x) }
    guard let extent = x.shape.last, 1...extent ~= count else {
        let bad = x.mistake(
            "topK", "there are no \(count) elements along the last axis of \(shapeText(x.shape))", .attribute,
            at: x.builder.location(file, line))
        return (bad, bad)
    }
    // Ascending order of the negatives; NaN, which would come last, as the smallest of them.
    let keys = select(notEqual(x, x), x.constant(-.infinity), -x)
    let indices = argsort(keys).slice(0..<count, axis: -1)
    return (takeAlongAxis(x, indices, axis: -1), indices)
}

/// The elements along the last axis in ascending order; NaN comes last.
public func sorted(_ x: Tensor) -> Tensor {
    x.within("sorted") {
        guard x.isValid else { return x }
        return takeAlongAxis(x, argsort(x), axis: -1)
    }
}
