import ApusIR

extension OperatorTable {
    static let indexingOperators: [String: Operator] = [
        "Gather": one(rows), "GatherElements": one(elements), "GatherND": one(points),
        "ScatterND": one(scattered), "ScatterElements": one(scatteredElements), "OneHot": one(oneHot),
    ]

    /// Indices (i32) from 0 on: those of an input are checked before each run, others count from the end if negative.
    private static func places(_ node: ImportedNode, _ index: Int, below extent: Int) throws -> Tensor {
        if let known = try? node.known(index, "indices") {
            let places = known.integers.map { $0 < 0 ? $0 + extent : $0 }
            guard places.allSatisfy({ 0..<extent ~= $0 }) else {
                throw node.error(.attribute, "there are indices outside of an axis of extent \(extent)")
            }
            // Few numbers are a constant; many stay the parameter that they are.
            if places.count <= 1024 || places != known.integers {
                return node.builder.add(
                    Constant(
                        TensorType(.i32, try node.checked(known.shape)),
                        values: places.count == 1 ? [Double(places[0])] : places.map(Double.init)), [])
            }
            return try node.tensor(index)
        }
        let indices = try node.tensor(index)
        guard indices.isValid, indices.element == .i32 else {
            throw node.error(.attribute, "its indices are \(indices.type)")
        }
        if node.builder.graph[indices.value].operation is Input {
            node.builder.expectIndices(indices, below: extent)
            return indices
        }
        return select(less(indices, indices.constant(0)), indices + indices.constant(Double(extent)), indices)
    }

    @Sendable private static func rows(_ node: ImportedNode) throws -> Tensor {
        let x = try node.tensor(0), axis = try node.axis(node.integer("axis", default: 0), rank: x.rank)
        let indices = try places(node, 1, below: x.shape[axis])
        if let constant = node.builder.graph[indices.value].operation as? Constant, let row = constant.splat,
            indices.rank == 0
        {
            var shape = x.shape
            shape.remove(at: axis)
            return x.slice(Int(row)..<Int(row) + 1, axis: axis).reshape(shape)
        }
        let found = gather(x.movingAxis(axis, to: 0), indices)
        guard axis > 0, found.isValid else { return found }
        // [k..., before..., after...] as [before..., k..., after...].
        let k = indices.rank
        return found.transpose(Array(k..<k + axis) + Array(0..<k) + Array((k + axis)..<found.rank))
    }

    @Sendable private static func elements(_ node: ImportedNode) throws -> Tensor {
        var x = try node.tensor(0)
        let axis = try node.axis(node.integer("axis", default: 0), rank: x.rank)
        let indices = try places(node, 1, below: x.shape[axis])
        guard indices.rank == x.rank else {
            throw node.error(.attribute, "its indices are \(indices.type) for \(x.type)")
        }
        for other in x.shape.indices where other != axis && indices.shape[other] < x.shape[other] {
            x = x.slice(0..<indices.shape[other], axis: other)
        }
        return takeAlongAxis(x, indices, axis: axis)
    }

    /// Indices of points [batch..., k..., n] as numbers of rows, where the n axes of x after the batch are one.
    private static func rowNumbers(_ indices: Tensor, _ node: ImportedNode, _ x: Tensor, batch: Int) throws
        -> (places: Tensor, depth: Int)
    {
        guard let depth = indices.shape.last, indices.element == .i32, depth + batch <= x.rank, batch < indices.rank
        else {
            throw node.error(.attribute, "its indices are \(indices.type) for \(x.type)")
        }
        let extents = x.shape[batch..<batch + depth], shape = Array(indices.shape.dropLast())
        var numbers: Tensor?
        for (place, extent) in extents.enumerated() {
            let index = indices.slice(place..<place + 1, axis: -1).reshape(shape)
            let here = select(less(index, index.constant(0)), index + index.constant(Double(extent)), index)
            numbers = numbers.map { $0 * here.constant(Double(extent)) + here } ?? here
        }
        guard let numbers, extents.reduce(1, { min($0 * $1, 1 << 31) }) < 1 << 31 else {
            throw node.error(.limit, "indexes too many rows of \(x.type)")
        }
        return (numbers, depth)
    }

    @Sendable private static func points(_ node: ImportedNode) throws -> Tensor {
        let x = try node.tensor(0), batch = try node.integer("batch_dims", default: 0)
        guard 0..<max(1, x.rank) ~= batch else { throw node.error(.attribute, "has \(batch) batch axes for \(x.type)") }
        let (places, depth) = try rowNumbers(node.tensor(1), node, x, batch: batch)
        let rows = x.shape[batch..<batch + depth].reduce(1, *)
        return gather(x.reshape(x.shape[..<batch] + [rows] + x.shape[(batch + depth)...]), places, batch: batch)
    }

    @Sendable private static func scattered(_ node: ImportedNode) throws -> Tensor {
        let x = try node.tensor(0), updates = try node.tensor(2)
        guard try node.text("reduction") == "add" else {
            throw node.error(.unsupported, "replaces elements; its attribute 'reduction' is imported as 'add'")
        }
        let (places, depth) = try rowNumbers(node.tensor(1), node, x, batch: 0)
        return x + scatterAdd(updates, at: places, rows: x.shape[..<depth].reduce(1, *)).reshape(x.shape)
    }

    @Sendable private static func scatteredElements(_ node: ImportedNode) throws -> Tensor {
        let x = try node.tensor(0), axis = try node.axis(node.integer("axis", default: 0), rank: x.rank)
        guard try node.text("reduction") == "add" else {
            throw node.error(.unsupported, "replaces elements; its attribute 'reduction' is imported as 'add'")
        }
        return scatterAddAlongAxis(x, try places(node, 1, below: x.shape[axis]), try node.tensor(2), axis: axis)
    }

    @Sendable private static func oneHot(_ node: ImportedNode) throws -> Tensor {
        guard let depth = try node.integers(1, "the depth")?.first, 1...(1 << 24) ~= depth else {
            throw node.error(.attribute, "its depth is not a number from 1 on")
        }
        let indices = try node.tensor(0), values = try node.tensor(2)
        guard values.shape == [2] else { throw node.error(.attribute, "its values are \(values.type), not two") }
        let axis = try node.axis(node.integer("axis", default: -1), rank: indices.rank + 1)
        let places = select(less(indices, indices.constant(0)), indices + indices.constant(Double(depth)), indices)
        let type = TensorType(.i32, try node.checked(indices.shape + [depth]))
        let counters = node.builder.add(Iota(type, axis: indices.rank), [])
        let (off, on) = (values.slice(0..<1, axis: 0).reshape([]), values.slice(1..<2, axis: 0).reshape([]))
        return select(equal(counters, places.expanded(-1)), on, off).movingAxis(-1, to: axis)
    }
}
