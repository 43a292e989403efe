extension Tensor {
    /// The axes with one more of extent 1 before `axis`; −1 puts it last.
    public func expanded(_ axis: Int, file: String = #fileID, line: Int = #line) -> Tensor {
        guard isValid else { return self }
        let place = axis < 0 ? axis + rank + 1 : axis
        guard 0...rank ~= place else {
            return mistake(
                "expanded", "axis \(axis) is out of range for the \(rank + 1) axes of the result", .attribute,
                at: builder.location(file, line))
        }
        return reshape(Array(shape[..<place]) + [1] + shape[place...])
    }

    /// Without an axis of extent 1; without `axis`, without all of them.
    public func squeezed(_ axis: Int? = nil, file: String = #fileID, line: Int = #line) -> Tensor {
        guard isValid else { return self }
        guard let axis else { return reshape(shape.filter { $0 != 1 }) }
        let place = self.axis(axis)
        guard shape.indices.contains(place), shape[place] == 1 else {
            return mistake(
                "squeezed", "\(shapeText(shape)) has no axis \(axis) of extent 1", .attribute,
                at: builder.location(file, line))
        }
        return reshape(Array(shape[..<place]) + shape[(place + 1)...])
    }

    /// One axis at another place; the others keep their order.
    public func movingAxis(_ source: Int, to target: Int, file: String = #fileID, line: Int = #line) -> Tensor {
        guard isValid else { return self }
        let (from, to) = (axis(source), axis(target))
        guard shape.indices.contains(from), shape.indices.contains(to) else {
            return mistake(
                "movingAxis", "axes \(source) and \(target) are not both within \(shapeText(shape))", .attribute,
                at: builder.location(file, line))
        }
        var order = shape.indices.filter { $0 != from }
        order.insert(from, at: to)
        return transpose(order)
    }

    /// The last two axes exchanged.
    public var transposed: Tensor {
        guard isValid else { return self }
        guard rank >= 2 else { return mistake("transposed", "takes a matrix, has \(shapeText(shape))") }
        return transpose(Array(0..<rank - 2) + [rank - 1, rank - 2])
    }

    /// The axis by its number from the front; nil, and the mistake reported, if there is none.
    func place(of axis: Int, _ operation: String, _ location: SourceLocation?) -> Int? {
        let place = self.axis(axis)
        if shape.indices.contains(place) { return place }
        _ = mistake(operation, "axis \(axis) is out of range for \(shapeText(shape))", .attribute, at: location)
        return nil
    }

    /// The tensor as often as `counts` say along each axis, one after the other, as PyTorch's `tile` and NumPy's.
    public func tiled(_ counts: [Int], file: String = #fileID, line: Int = #line) -> Tensor {
        self.within("tiled", at: self.builder.location(file, line)) {
            guard isValid else { return self }
            guard !counts.contains(where: { !(1...largestElementCount ~= $0) }) else {
                return mistake(
                    "tiled", "takes how often, at least once, along each axis; has \(counts)", .attribute,
                    at: builder.location(file, line))
            }
            let rank = max(counts.count, self.rank)
            let shape = Array(repeating: 1, count: rank - self.rank) + self.shape
            let counts = Array(repeating: 1, count: rank - counts.count) + counts
            let pairs = zip(counts, shape).flatMap { [$0, $1] }, ones = shape.flatMap { [1, $0] }
            let repeated = reshape(ones).broadcast(to: pairs)
            return repeated.isValid ? repeated.reshape(zip(counts, shape).map(*)) : repeated

        }
    }

    /// The elements along some axes in reverse order.
    public func flipped(_ axes: [Int], file: String = #fileID, line: Int = #line) -> Tensor {
        guard isValid else { return self }
        let location = builder.location(file, line)
        var result = self
        for axis in axes {
            guard let place = place(of: axis, "flipped", location) else { return builder.invalid() }
            let extent = shape[place]
            guard extent > 1 else { continue }
            let indices = Double(extent - 1) - builder.add(Iota(TensorType(.i32, [extent]), axis: 0), [])
            result = result.rows(indices, axis: place)
        }
        return result
    }

    /// Rows along an axis chosen by indices [k], which are within it.
    func rows(_ indices: Tensor, axis: Int) -> Tensor {
        gather(movingAxis(axis, to: 0), indices).movingAxis(0, to: axis)
    }

    /// The elements along an axis moved on by `shift` places; those that leave the end come in at the start, as
    /// PyTorch's `roll`.
    public func rolled(_ shift: Int, axis: Int, file: String = #fileID, line: Int = #line) -> Tensor {
        guard isValid else { return self }
        guard let place = place(of: axis, "rolled", builder.location(file, line)) else { return builder.invalid() }
        let extent = shape[place], start = (extent - shift % extent) % extent
        guard start != 0 else { return self }
        return concatenate([slice(start..<extent, axis: place), slice(0..<start, axis: place)], axis: place)
    }
}

/// Tensors of one shape along a new axis, as PyTorch's `stack`; −1 puts the axis last.
public func stack(_ tensors: [Tensor], axis: Int = 0, file: String = #fileID, line: Int = #line) -> Tensor {
    guard let first = tensors.first, first.isValid else {
        return concatenate(tensors, axis: axis, file: file, line: line)
    }
    let place = axis < 0 ? axis + first.rank + 1 : axis
    return first.within("stack", at: first.builder.location(file, line)) {
        concatenate(tensors.map { $0.expanded(axis) }, axis: place)
    }
}

/// The parts of an axis, of these extents, which add up to it.
public func split(_ x: Tensor, sizes: [Int], axis: Int = 0, file: String = #fileID, line: Int = #line) -> [Tensor] {
    guard x.isValid else { return sizes.map { _ in x } }
    let location = x.builder.location(file, line)
    guard let place = x.place(of: axis, "split", location) else { return sizes.map { _ in x.builder.invalid() } }
    guard sizes.allSatisfy({ 1...largestElementCount ~= $0 }), sizes.reduce(0, +) == x.shape[place] else {
        let bad = x.mistake(
            "split", "the sizes \(sizes) do not add up to axis \(axis) of \(shapeText(x.shape))", .attribute,
            at: location)
        return sizes.map { _ in bad }
    }
    var start = 0
    return sizes.map { size in
        defer { start += size }
        return x.slice(start..<start + size, axis: place)
    }
}

/// An axis in so many equal parts.
public func split(_ x: Tensor, into count: Int, axis: Int = 0, file: String = #fileID, line: Int = #line) -> [Tensor] {
    guard x.isValid else { return Array(repeating: x, count: max(count, 0)) }
    let place = x.axis(axis)
    guard x.shape.indices.contains(place), count > 0, x.shape[place] % count == 0 else {
        let bad = x.mistake(
            "split", "axis \(axis) of \(shapeText(x.shape)) has no \(count) equal parts", .attribute,
            at: x.builder.location(file, line))
        return Array(repeating: bad, count: max(count, 0))
    }
    return split(
        x, sizes: Array(repeating: x.shape[place] / count, count: count), axis: place, file: file, line: line)
}

/// The elements of a matrix (the last two axes) on and below its diagonal `diagonal`, zeros elsewhere.
public func lowerTriangle(_ x: Tensor, diagonal: Int = 0) -> Tensor {
    triangle(x, diagonal, Compare(.greaterEqual), "lowerTriangle")
}

/// The elements of a matrix (the last two axes) on and above its diagonal `diagonal`, zeros elsewhere.
public func upperTriangle(_ x: Tensor, diagonal: Int = 0) -> Tensor {
    triangle(x, diagonal, Compare(.lessEqual), "upperTriangle")
}

private func triangle(_ x: Tensor, _ diagonal: Int, _ comparison: Compare, _ name: String) -> Tensor {
    guard x.isValid else { return x }
    guard x.rank >= 2 else { return x.mistake(name, "takes a matrix, has \(shapeText(x.shape))") }
    let type = TensorType(.i32, Array(x.shape.suffix(2)))
    let row = x.builder.add(Iota(type, axis: 0), []), column = x.builder.add(Iota(type, axis: 1), [])
    let limit = 1 << 30, offset = Double(min(max(diagonal, -limit), limit))
    return x.within(name) { select((row + offset).binary(comparison, column), x, x.constant(0)) }
}
