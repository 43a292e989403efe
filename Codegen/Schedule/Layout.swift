import ApusIR

/// Gives every stored value a buffer and strides.
///
/// Values are contiguous, with three exceptions. Two save copies: a matmul whose only reader transposes it is written
/// in the transposed order at once, and what is concatenated is written into its part of the whole where possible, as
/// what ranks add up is into the place of the sum. The third keeps rows that matmuls read side by side out of each
/// other's way in the cache.
package struct Layout {
    package struct Buffer {
        package enum Kind: Hashable { case arena, input(Int), parameter(Int), constants(Int) }
        package var kind: Kind
        package var byteCount: Int
    }
    package private(set) var buffers: [Buffer] = []
    /// Where stored values lie, by their indices; nil for the others.
    private var storages: [Storage?]
    /// Operands of concatenations that are written into the whole by whoever computes them.
    package private(set) var isWrittenInPlace: Set<Value> = []
    let graph: Graph
    private let placement: Placement
    private let tuning: Tuning
    private let resultValues: Set<Value>

    package init(_ graph: Graph, _ placement: Placement, updatedInPlace: [Value: Value], _ tuning: Tuning) {
        self.graph = graph
        self.tuning = tuning
        self.placement = placement
        resultValues = Set(graph.results.map(\.value))
        storages = Array(repeating: nil, count: graph.nodes.count)
        for (number, parameter) in graph.parameters.enumerated() {
            let type = parameter.operation.type
            storages[parameter.value.index] = Storage(
                buffer: add(.parameter(number), type.byteCount), strides: rowMajorStrides(type.shape))
        }
        for (number, input) in graph.inputs.enumerated() {
            let type = input.operation.type
            storages[input.value.index] = Storage(
                buffer: add(.input(number), type.byteCount), strides: rowMajorStrides(type.shape))
        }
        for (value, parameter) in updatedInPlace { storages[value.index] = storages[parameter.index] }
        // From the end, so that a concatenation knows its own place before its operands ask for theirs.
        for value in graph.values.reversed() where placement.isStored(value) {
            let storage = storages[value.index] ?? allocate(value)
            if placement[value] == .concatenate { allocateOperands(of: value, in: storage) }
            if placement[value] == .collective {
                allocate(graph[value].operands[0], of: value, in: operandStorage(of: value))
            }
        }
    }

    package subscript(value: Value) -> Storage { storages[value.index]! }

    /// The values that lie in memory, with their places.
    package var stored: some Sequence<(value: Value, storage: Storage)> {
        storages.lazy.enumerated().compactMap { index, storage in storage.map { (Value(index), $0) } }
    }

    package mutating func add(_ kind: Buffer.Kind, _ byteCount: Int) -> Int {
        buffers.append(Buffer(kind: kind, byteCount: byteCount))
        return buffers.count - 1
    }

    /// Where the operand of a collective lies: where its result begins.
    package func operandStorage(of value: Value) -> Storage {
        var storage = self[value]
        storage.strides = rowMajorStrides(graph[graph[value].operands[0]].type.shape)
        return storage
    }

    private mutating func allocate(_ value: Value) -> Storage {
        if placement[value] == .collective {
            let buffer = add(.arena, graph.typeOfAllParts(value).byteCount)
            storages[value.index] = Storage(buffer: buffer, strides: rowMajorStrides(graph[value].type.shape))
        }
        if let storage = storages[value.index] { return storage }
        let type = graph[value].type
        let transposed =
            placement[value] == .matmul || placement[value] == .attention ? stridesForReader(of: value) : nil
        let strides = transposed ?? paddedStrides(of: value) ?? rowMajorStrides(type.shape)
        let count = zip(type.shape, strides).reduce(1) { $0 + ($1.0 - 1) * $1.1 }
        let storage = Storage(buffer: add(.arena, count * type.element.byteCount), strides: strides)
        storages[value.index] = storage
        return storage
    }

    /// Strides of a matmul's operand or result whose rows would fall onto each other in the cache: a cache line is left
    /// free after each. A row may go over several axes, as the places of an image do.
    private func paddedStrides(of value: Value) -> [Int]? {
        let type = graph[value].type, bytes = type.element.byteCount
        guard !resultValues.contains(value),
            placement[value] == .loop || placement[value] == .matmul || placement[value] == .attention,
            placement[value] == .matmul || isReadByMatmul(value)
        else { return nil }
        var width = 1
        for axis in type.shape.indices.dropFirst().reversed() {
            width *= type.shape[axis]
            guard width * bytes % tuning.cachePeriod == 0 else { continue }
            let outer = Array(type.shape[..<axis]), padded = width + tuning.lineBytes / bytes
            let strides = rowMajorStrides(outer + [padded]).dropLast() + rowMajorStrides(Array(type.shape[axis...]))
            if isReadableByMatmuls(value, strides), isWritable(value, with: strides) { return strides }
        }
        return nil
    }

    /// Whether matmuls that read a value, directly or through views, still see matrices in it with these strides: rows
    /// that one of them takes together with their columns must not come apart.
    private func isReadableByMatmuls(_ value: Value, _ strides: [Int]) -> Bool {
        placement.users[value.index].allSatisfy { user in
            if placement[user] == .matmul {
                let shape = MatmulShape(graph, user)
                return graph[user].operands.indices.allSatisfy { side in
                    graph[user].operands[side] != value || shape.matrix(side, strides: strides) != nil
                }
            }
            // What is no view of it in memory is computed or copied anyhow.
            guard !placement.isStored(user), isView(user),
                let view = graph.view(of: user, isStored: { $0 == value }, storage: { _ in (0, strides) })
            else { return true }
            return isReadableByMatmuls(user, view.strides)
        }
    }

    private func isReadByMatmul(_ value: Value) -> Bool {
        placement.users[value.index].contains { user in
            placement[user] == .matmul || (!placement.isStored(user) && isView(user) && isReadByMatmul(user))
        }
    }

    private func isView(_ value: Value) -> Bool { graph[value].operation.kind.isView }

    /// The chain of transposes and reshapes that starts at a value and in which each is the only reader of the one
    /// before. Gradients of an attention read its result wherever its rows are.
    private func chain(from value: Value) -> [Value] {
        var chain = [value]
        while let last = chain.last, !resultValues.contains(last) {
            let users = placement.users[last.index].filter {
                !(graph[$0].operation is AttentionGradient) || last != value
            }
            guard users.count == 1, !placement.isStored(users[0]), graph[users[0]].operation.kind.isRearrangement else {
                break
            }
            chain.append(users[0])
        }
        return chain
    }

    /// Strides of a matmul with which the last possible view of it is contiguous.
    private func stridesForReader(of value: Value) -> [Int]? {
        let chain = chain(from: value)
        for end in chain.indices.dropFirst().reversed() {
            let contiguous = rowMajorStrides(graph[chain[end]].type.shape)
            if let strides = pulledBack(contiguous, along: Array(chain[0...end])), isWritable(value, with: strides) {
                return strides
            }
        }
        return nil
    }

    /// The strides of the first value of a chain of views that give the last one these strides.
    private func pulledBack(_ strides: [Int], along chain: [Value]) -> [Int]? {
        var strides = strides
        for (operand, user) in zip(chain, chain.dropFirst()).reversed() {
            let shape = graph[operand].type.shape
            if let transpose = graph[user].operation as? Transpose {
                strides = transpose.inverse.map { strides[$0] }
            } else if let pulled = reshapedStrides(graph[user].type.shape, strides, to: shape) {
                strides = pulled
            } else {
                return nil
            }
        }
        return strides
    }

    /// Whether a matmul or attention can be written with these strides: of a matmul, rows and columns must each have
    /// a single stride, one of them 1.
    private func isWritable(_ value: Value, with strides: [Int]) -> Bool {
        // Attention writes rows.
        if placement[value] == .attention { return strides.last == 1 }
        guard let dot = graph[value].operation as? Dot else { return true }
        let shape = graph[value].type.shape, batch = dot.leftBatch.count
        let rows = batch..<batch + dot.leftFree(graph[graph[value].operands[0]].type.rank).count
        let columns = rows.upperBound..<shape.count
        guard let row = mergedStride(Array(shape[rows]), Array(strides[rows])),
            let column = mergedStride(Array(shape[columns]), Array(strides[columns]))
        else { return false }
        return row == 1 || column == 1
    }

    private mutating func allocateOperands(of value: Value, in storage: Storage) {
        guard let concatenate = graph[value].operation as? Concatenate else { return }
        var start = 0
        for operand in graph[value].operands {
            defer { start += graph[operand].type.shape[concatenate.axis] }
            var part = storage
            part.offset += start * storage.strides[concatenate.axis]
            allocate(operand, of: value, in: part)
        }
    }

    /// Has an operand written where its user wants it, if that can be done.
    private mutating func allocate(_ operand: Value, of user: Value, in storage: Storage) {
        guard let source = soleSource(of: operand, user: user),
            let strides = pulledBack(storage.strides, along: source.chain), isWritable(source.value, with: strides)
        else { return }
        storages[source.value.index] = Storage(buffer: storage.buffer, offset: storage.offset, strides: strides)
        isWrittenInPlace.insert(operand)
    }

    /// The computed value behind an operand, if nothing but the operand's user reads it.
    private func soleSource(of operand: Value, user: Value) -> (value: Value, chain: [Value])? {
        var chain = [operand]
        while let first = chain.first {
            guard placement.users[first.index].count == 1, !resultValues.contains(first), storages[first.index] == nil,
                graph[user].operands.count(where: { $0 == operand }) == 1
            else { return nil }
            if placement.isStored(first) {
                let role = placement[first]
                let isComputed = role == .loop || role == .matmul || role == .attention
                // Ranks add up what lies in one piece, of whatever parts it is made.
                return isComputed || role == .concatenate && placement[user] == .collective ? (first, chain) : nil
            }
            guard graph[first].operation.kind.isRearrangement else { return nil }
            chain.insert(graph[first].operands[0], at: 0)
        }
        return nil
    }
}
