import ApusIR

extension KnownOperators {
    static func constantOfShape(_ node: KnownNode) throws -> [KnownTensor]? {
        let value = try node.node.stored("value")?.known() ?? KnownTensor(.float, [1], [0])
        guard value.values.count == 1 else { throw OnnxError(.attribute, "its value is not one number") }
        let shape = try node.operand(0).integers
        guard let count = knownCount(shape) else { return nil }
        return [KnownTensor(value.code, shape, [Double](repeating: value.values[0], count: count))]
    }

    static func range(_ node: KnownNode) throws -> [KnownTensor]? {
        let numbers = try (0..<3).map { try node.operand($0) }
        guard numbers.allSatisfy({ $0.values.count == 1 }) else {
            throw OnnxError(.attribute, "start, limit and step are not numbers")
        }
        let (start, limit, step) = (numbers[0].values[0], numbers[1].values[0], numbers[2].values[0])
        let count = ((limit - start) / step).rounded(.up)
        guard step != 0, count.isFinite, count <= Double(KnownTensor.mostElements) else {
            throw OnnxError(.limit, "numbers from \(start) to \(limit) by \(step) are too many")
        }
        let values = (0..<max(0, Int(count))).map { start + Double($0) * step }
        return [KnownTensor(numbers[0].code, [values.count], values)]
    }

    static func reshape(_ node: KnownNode) throws -> [KnownTensor]? {
        let x = try node.operand(0)
        let shape = try node.node.resolved(node.operand(1).integers, of: x.shape, count: x.values.count)
        return [KnownTensor(x.code, shape, x.values)]
    }

    static func squeeze(_ node: KnownNode) throws -> [KnownTensor]? {
        let x = try node.operand(0)
        let axes = try node.axes(rank: x.shape.count) ?? x.shape.indices.filter { x.shape[$0] == 1 }
        guard axes.allSatisfy({ x.shape[$0] == 1 }) else {
            throw OnnxError(.attribute, "the axes \(axes) of \(shapeText(x.shape)) are not of extent 1")
        }
        return [KnownTensor(x.code, x.shape.indices.filter { !axes.contains($0) }.map { x.shape[$0] }, x.values)]
    }

    static func unsqueeze(_ node: KnownNode) throws -> [KnownTensor]? {
        let x = try node.operand(0)
        guard let given = try node.optional(1)?.integers ?? node.node.integers("axes") else { return nil }
        return [KnownTensor(x.code, try node.node.expanded(x.shape, given), x.values)]
    }

    static func concatenate(_ node: KnownNode) throws -> [KnownTensor]? {
        let parts = try node.operands.indices.map { try node.operand($0) }
        guard let first = parts.first, first.shape.count == 1 else { return nil }
        guard parts.allSatisfy({ $0.shape.count == 1 }) else {
            throw OnnxError(
                .attribute, "shapes \(parts.map { shapeText($0.shape) }.joined(separator: ", ")) are joined")
        }
        guard knownCount([parts.reduce(0) { $0 + $1.values.count }]) != nil else {
            throw OnnxError(.limit, "joins more numbers than a shape can have")
        }
        let values = parts.flatMap(\.values)
        return [KnownTensor(first.code, [values.count], values)]
    }

    static func gather(_ node: KnownNode) throws -> [KnownTensor]? {
        let (x, indices) = (try node.operand(0), try node.operand(1))
        guard x.shape.count == 1 else { return nil }
        _ = try node.node.axis(node.node.integer("axis", default: 0), rank: 1)
        let extent = x.values.count
        let values = try indices.integers.map { index in
            let place = index < 0 ? index + extent : index
            guard 0..<extent ~= place else {
                throw OnnxError(.attribute, "there is no element \(index) of \(extent)")
            }
            return x.values[place]
        }
        return [KnownTensor(x.code, indices.shape, values)]
    }

    static func slice(_ node: KnownNode) throws -> [KnownTensor]? {
        var x = try node.operand(0)
        let starts = try node.operand(1).integers, ends = try node.operand(2).integers
        let axes = node.optional(3)?.integers ?? Array(starts.indices)
        let steps = node.optional(4)?.integers ?? starts.map { _ in 1 }
        guard starts.count == ends.count, axes.count == starts.count, steps.count == starts.count,
            !steps.contains(0)
        else { throw OnnxError(.attribute, "its starts, ends, axes and steps do not belong together") }
        for index in axes.indices {
            let axis = try node.node.axis(axes[index], rank: x.shape.count)
            let bounds = SliceBounds(
                start: starts[index], end: ends[index], step: steps[index], extent: x.shape[axis])
            x = x.rows(bounds.places, axis: axis)
        }
        return [x]
    }

    static func transpose(_ node: KnownNode) throws -> [KnownTensor]? {
        let x = try node.operand(0), order = try node.node.integers("perm") ?? Array(x.shape.indices.reversed())
        guard order.sorted() == Array(x.shape.indices) else {
            throw OnnxError(.attribute, "\(order.prefix(33)) is not an order of the axes of \(shapeText(x.shape))")
        }
        let strides = rowMajorStrides(x.shape), permuted = order.map { strides[$0] }
        var result = KnownTensor(x.code, order.map { x.shape[$0] }, x.values)
        if !x.values.isEmpty {
            forEachIndex(result.shape) { index, place in result.values[place] = x.values[position(index, permuted)] }
        }
        return [result]
    }
}

extension KnownTensor {
    /// Some rows of an axis, by their places.
    fileprivate func rows(_ places: [Int], axis: Int) -> KnownTensor {
        let inner = shape[(axis + 1)...].reduce(1, *), extent = shape[axis]
        let outer = shape[..<axis].reduce(1, *)
        var shape = shape, result: [Double] = []
        shape[axis] = places.count
        for block in 0..<outer {
            for place in places {
                let start = (block * extent + place) * inner
                result += values[start..<start + inner]
            }
        }
        return KnownTensor(code, shape, result)
    }
}

/// The elements of an axis that a slice takes, as ONNX says it: negative numbers count from the end, and bounds are
/// brought into the axis.
struct SliceBounds {
    var first: Int, count: Int
    let step: Int

    init(start: Int, end: Int, step: Int, extent: Int) {
        self.step = step
        func place(_ bound: Int) -> Int { bound < 0 ? bound + extent : bound }
        if step > 0 {
            first = min(max(place(start), 0), extent)
            let limit = min(max(place(end), 0), extent)
            count = first < limit ? (limit - first - 1) / step + 1 : 0
        } else {
            first = min(max(place(start), -1), extent - 1)
            let limit = min(max(place(end), -1), extent - 1)
            count = step < 0 && first > limit ? (first - limit - 1) / -step + 1 : 0
        }
    }

    var places: [Int] { (0..<count).map { first + $0 * step } }
}

extension ImportedNode {
    /// A shape with the extents that 0 and −1 stand for.
    func resolved(_ given: [Int], of shape: [Int], count: Int) throws -> [Int] {
        let takesZeros = try flag("allowzero")
        func mistake() -> OnnxError {
            error(.attribute, "\(shapeText(shape)) cannot have the shape \(shapeText(Array(given.prefix(33))))")
        }
        guard given.count <= 32 else { throw mistake() }
        var result = try given.enumerated().map { axis, extent in
            guard extent == 0, !takesZeros else { return extent }
            guard axis < shape.count else { throw mistake() }
            return shape[axis]
        }
        let known = result.filter { $0 != -1 }
        guard known.count >= result.count - 1, known.allSatisfy({ $0 >= 0 }), isShape(known.map { max($0, 1) })
        else { throw mistake() }
        let product = known.contains(0) ? 0 : known.reduce(1, *)
        if let open = result.firstIndex(of: -1) {
            guard product > 0, count % product == 0 else { throw mistake() }
            result[open] = count / product
        } else {
            guard product == count else { throw mistake() }
        }
        return result
    }

    /// A shape with axes of extent 1 at places of the result.
    func expanded(_ shape: [Int], _ given: [Int]) throws -> [Int] {
        guard given.count + shape.count <= 32 else { throw error(.limit, "has more than 32 axes") }
        let axes = try axes(given, rank: shape.count + given.count)
        var result = shape
        for axis in axes { result.insert(1, at: axis) }
        return result
    }

    /// The part of a shape that `Shape` gives.
    func shapeRange(of shape: [Int]) throws -> [Int] {
        let bounds = SliceBounds(
            start: try integer("start", default: 0), end: try integer("end", default: shape.count), step: 1,
            extent: shape.count)
        return bounds.places.map { shape[$0] }
    }

    /// The type that `Cast` casts to.
    func castCode() throws -> ElementCode {
        guard let number = try integer("to") else { throw error(.attribute, "its attribute 'to' is missing") }
        guard let code = Int32(exactly: number).flatMap(ElementCode.init(rawValue:)), code != .string else {
            throw error(.unsupported, "casts to the type \(number), which is not imported")
        }
        return code
    }
}
