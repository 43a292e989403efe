import ApusIR

/// A kernel with what a call of it takes.
package struct KernelCall {
    package var kernel: GeneratedKernel
    /// The buffer of each argument.
    package var buffers: [Int]
    /// Units of work: rows, outer indices of a column reduction, batches, or elements of a flat kernel.
    package var count: Int
    /// Elements that one unit stands for; decides how many units a thread takes at a time.
    package var elementsPerUnit: Int
    /// What the kernel does, from the operations in it.
    package var name: String
    /// Bytes that the kernel reads and writes.
    package var bytes: Int
    /// Floating-point operations of matmuls.
    package var floatingPointOperations = 0
}

/// Turns clusters into kernels.
package struct ClusterKernels {
    package let surroundings: KernelBuilder.Surroundings
    /// Values that someone outside their cluster reads.
    package let isNeeded: (Value) -> Bool

    var graph: Graph { surroundings.graph }

    package init(_ surroundings: KernelBuilder.Surroundings, isNeeded: @escaping (Value) -> Bool) {
        self.surroundings = surroundings
        self.isNeeded = isNeeded
    }

    // MARK: Rows

    /// The kernel of element-wise work and reductions along rows.
    package func rows(_ members: [Value]) throws -> KernelCall {
        let shapes = members.map {
            graph[$0].operation.kind == .reduction ? graph[graph[$0].operands[0]].type.shape : graph[$0].type.shape
        }
        // The finest division into axes makes the most index expressions simple.
        let columns = members.indices.filter { graph[members[$0]].operation.kind == .reduction }.map {
            shapes[$0].last ?? 1
        }
        .first
        let full = shapes.filter { columns == nil || $0.last == columns }
        let domain = (full.max { ($0.reduce(1, *), $0.count) < ($1.reduce(1, *), $1.count) } ?? [])
        let extents = domain.isEmpty ? [1] : domain
        let hasReduction = columns != nil
        return try build(extents, fixed: hasReduction ? [extents.count - 1] : [], members: members) {
            builder, dimensions in
            let index = dimensions.map(IndexExpression.dimension)
            let position = IndexExpression.linear(index, rowMajorStrides(builder.extents))
            let count = builder.extents.reduce(1, *)
            let width = builder.extents.last ?? 1
            let row = IndexExpression.linear(
                Array(index.dropLast()), rowMajorStrides(Array(builder.extents.dropLast())))
            for member in members {
                let node = graph[member]
                let place: [IndexExpression]
                var number: Int
                if let reduce = node.operation as? Reduce {
                    let source = node.operands[0]
                    place = try builder.unravel(row, node.type.shape)
                    let operand = try builder.element(of: source, at: place + [.dimension(dimensions.last ?? 0)])
                    number = builder.add(.reduce(reduce.kind, operand), node.type.element)
                } else {
                    let isRow = hasReduction && node.type.count * width == count && width > 1
                    place = try builder.unravel(isRow ? row : position, node.type.shape)
                    number = try builder.compute(member, at: place)
                }
                if isNeeded(member) {
                    builder.store(number, to: surroundings.storage(member), node.type.element, at: place)
                }
                builder.computed[member] = number
            }
            return hasReduction ? .rows : nil
        }
    }

    /// The kernel that copies a value, whatever it takes to compute it, to another place.
    package func copy(_ source: Value, to storage: Storage) throws -> KernelCall {
        let type = graph[source].type
        return try build(type.shape.isEmpty ? [1] : type.shape, fixed: [], members: [source]) { builder, dimensions in
            let position = IndexExpression.linear(
                dimensions.map(IndexExpression.dimension), rowMajorStrides(builder.extents))
            let index = try builder.unravel(position, type.shape)
            let number = try builder.element(of: source, at: index)
            builder.store(number, to: storage, type.element, at: index)
            return nil
        }
    }

    // MARK: Columns

    /// The kernel of reductions over axes other than the last.
    package func columnReduction(_ members: [Value], shape: [Int], axes: [Int]) throws -> KernelCall {
        let last = shape.count - 1
        let outer = shape.indices.filter { !axes.contains($0) && $0 != last }
        let order = outer + axes + [last]
        return try build(order.map { shape[$0] }, fixed: Set(order.indices), members: members) { builder, dimensions in
            var index = [IndexExpression](repeating: IndexExpression(), count: shape.count)
            for (dimension, axis) in zip(dimensions, order) { index[axis] = .dimension(dimension) }
            let kept = outer + [last]
            for member in members {
                guard let reduce = graph[member].operation as? Reduce else { continue }
                let operand = try builder.element(of: graph[member].operands[0], at: index)
                let number = builder.add(.reduce(reduce.kind, operand), graph[member].type.element)
                builder.store(
                    number, to: surroundings.storage(member), graph[member].type.element, at: kept.map { index[$0] })
            }
            return .columns(outer: outer.count, reduced: axes.count)
        }
    }

    // MARK: Scatter

    /// The kernel that adds rows up by index.
    package func scatter(_ member: Value) throws -> KernelCall {
        let node = graph[member]
        guard let scatter = node.operation as? ScatterAdd else {
            throw GraphError(.structure, operation: node.operation.name, "is not a scatter")
        }
        let (indices, updates) = (node.operands[0], node.operands[1])
        let shape = graph[updates].type.shape, rank = graph[indices].type.rank
        let hasColumns = rank < shape.count
        let extents = hasColumns ? shape : shape + [1]
        var call = try build(extents, fixed: Set(extents.indices), members: [member]) { builder, dimensions in
            let index = dimensions.prefix(shape.count).map(IndexExpression.dimension)
            var row = try builder.element(of: indices, at: Array(index.prefix(rank)))
            let zero = builder.constant(0, .i32), top = builder.constant(Double(scatter.rows - 1), .i32)
            row = builder.add(.compute(.maximum, [row, zero]), .i32)
            row = builder.add(.compute(.minimum, [row, top]), .i32)
            let number = try builder.element(of: updates, at: index)
            let place = index.prefix(scatter.batch) + [IndexExpression(dynamic: [row: 1])] + index.dropFirst(rank)
            builder.store(number, to: surroundings.storage(member), node.type.element, at: Array(place))
            return .scatter(batch: scatter.batch, count: rank - scatter.batch)
        }
        guard case .loop(var kernel) = call.kernel else { return call }
        kernel.scatterElements = node.type.shape.dropFirst(scatter.batch).reduce(1, *)
        call.kernel = .loop(kernel)
        return call
    }

    // MARK: Common frame

    /// Builds a body and gives the kernel its final shape.
    private func build(
        _ extents: [Int], fixed: Set<Int>, members: [Value],
        _ body: (inout KernelBuilder, _ dimensions: [Int]) throws -> LoopKernel.Form?
    ) throws -> KernelCall {
        let (builder, form) = try built(extents, fixed: fixed, body)
        return finish(builder, form: form, members: members)
    }

    /// Builds a body, splitting loop dimensions as its indices ask for.
    func built<Result>(
        _ extents: [Int], fixed: Set<Int>, _ body: (inout KernelBuilder, _ dimensions: [Int]) throws -> Result
    ) throws -> (builder: KernelBuilder, result: Result) {
        var extents = extents, fixed = fixed
        while true {
            var builder = KernelBuilder(surroundings, extents: extents, fixedDimensions: fixed)
            do {
                let result = try body(&builder, Array(extents.indices))
                return (builder, result)
            } catch let request as KernelBuilder.SplitRequest {
                extents[request.dimension] /= request.factor
                extents.insert(request.factor, at: request.dimension + 1)
                fixed = Set(fixed.map { $0 > request.dimension ? $0 + 1 : $0 })
            }
        }
    }

    private func finish(_ builder: KernelBuilder, form: LoopKernel.Form?, members: [Value]) -> KernelCall {
        var kernel = LoopKernel(
            form: form ?? .rows, extents: builder.extents, instructions: builder.instructions, stores: builder.stores,
            arguments: builder.arguments.map(\.type))
        let elements = builder.extents.reduce(1, *)
        kernel.mergeDimensions()
        kernel.joinShortRows()
        kernel.transposeIfScattered()
        var count = kernel.extents.dropLast().reduce(1, *), elementsPerUnit = kernel.extents.last ?? 1
        switch kernel.form {
        case .rows:
            if form == nil, kernel.extents.count == 1 {
                kernel.form = .flat
                (count, elementsPerUnit) = (kernel.extents[0], 1)
            }
            // Neither the extent of a flat kernel nor that of the outermost loop is part of the code.
            if kernel.extents.count > 1 || kernel.form == .flat { kernel.extents[0] = 0 }
        case .columns(let outer, let reduced):
            count = kernel.extents.prefix(outer).reduce(1, *)
            elementsPerUnit = kernel.extents.dropFirst(outer).prefix(reduced).reduce(1, *)
        case .scatter(let batch, _):
            count = kernel.extents.prefix(batch).reduce(1, *)
            elementsPerUnit = elements / max(count, 1)
        case .transposed:
            // One unit is a stripe as wide as a vector; the emitter's target says how many there are.
            count = kernel.extents.dropLast(2).reduce(1, *)
            elementsPerUnit = kernel.extents.suffix(2).reduce(1, *)
        case .flat, .part: break
        }
        return KernelCall(
            kernel: .loop(kernel), buffers: builder.arguments.map(\.buffer), count: count,
            elementsPerUnit: elementsPerUnit,
            name: name(of: members), bytes: bytes(of: builder, elements))
    }

    /// Bytes that a body reads and writes if nothing is cached.
    func bytes(of builder: KernelBuilder, _ elements: Int) -> Int {
        let expressions =
            builder.instructions.compactMap { instruction -> (IndexExpression, ElementType)? in
                if case .load(_, let address, _) = instruction.kind { (address, instruction.type) } else { nil }
            } + builder.stores.map { ($0.address, builder.arguments[$0.argument].type) }
        return expressions.reduce(0) { sum, access in
            let touched =
                access.0.dynamic.isEmpty ? access.0.terms.keys.reduce(1) { $0 * builder.extents[$1] } : elements
            return sum + touched * access.1.byteCount
        }
    }

    /// What a kernel does, from the operations in it.
    func name(of members: [Value]) -> String {
        var seen: [String] = []
        for member in members.prefix(12) where seen.last != graph[member].operation.name {
            seen.append(graph[member].operation.name)
        }
        return seen.joined(separator: "+")
    }
}
