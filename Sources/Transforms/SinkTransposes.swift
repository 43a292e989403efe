import ApusIR

extension Pass {
    /// Element-wise work on a matmul whose result is transposed comes before the transposition, in the matmul's own
    /// order of axes: only so can it be the matmul's epilogue. Of convolutions, which have channels first, it is bias,
    /// activation and residual.
    ///
    /// What else the work reads is transposed the other way, or no longer transposed where it was alike.
    public static let sinkTransposes = Pass("sink-transposes") { graph in
        let counts = graph.useCounts()
        // Element-wise work on matmuls, with what rearranges it now.
        var work: [Value: [any Operation]] = [:]

        /// What rearranges the elements of a matmul, or of work on one, into a value, if nothing else reads them.
        func rearrangement(to value: Value) -> [any Operation]? {
            guard counts[value.index] == 1 else { return nil }
            let node = graph[value]
            if let dot = node.operation as? Dot { return dot.usesLibrary ? nil : [] }
            if let operations = work[value] { return operations }
            guard node.operation.kind.isRearrangement, keepsRows(node, graph) else { return nil }
            return rearrangement(to: node.operands[0]).map { $0 + [node.operation] }
        }

        let sunk = try rebuild(graph) { node, value, operands, builder in
            guard node.operation.kind == .elementwise else { return nil }
            let found = node.operands.map(rearrangement)
            if found.contains(where: { $0.map { !$0.contains { $0 is Transpose } } ?? false }) {
                work[value] = []
                return nil
            }
            guard let number = found.firstIndex(where: { $0 != nil }), let operations = found[number] else {
                return nil
            }
            // From the operand back to the matmul: each step, and the shape before it.
            var source = operands[number], shapes: [[Int]] = []
            for _ in operations {
                source = builder.tensor(builder.graph[source.value].operands[0])
                shapes.append(source.shape)
            }
            let inner = operands.indices.map {
                $0 == number ? source : undone(operations.reversed(), shapes, on: operands[$0])
            }
            work[value] = operations
            return operations.reduce(builder.add(node.operation, inner)) { builder.add($1, [$0]) }
        }
        return try Pass.deadCode.run(sunk)
    }
}

/// Whether a transposition or reshape leaves the last axis as it is: rows of memory, along which epilogues go.
private func keepsRows(_ node: Node, _ graph: Graph) -> Bool {
    let shape = graph[node.operands[0]].type.shape
    return switch node.operation {
    case let transpose as Transpose: transpose.permutation.last == shape.count - 1
    case is Reshape: node.type.shape.last == shape.last
    default: false
    }
}

/// A tensor from which the operations would make this one: their inverses in order, and the shapes that those leave.
/// What undoes the last operation of the tensor itself leaves that one's operand.
private func undone(_ operations: [any Operation], _ shapes: [[Int]], on x: Tensor) -> Tensor {
    zip(operations, shapes).reduce(x) { x, step in
        let node = x.builder.graph[x.value]
        switch step.0 {
        case let transpose as Transpose:
            if node.operation as? Transpose == transpose { return x.builder.tensor(node.operands[0]) }
            return x.transpose(transpose.inverse)
        default:
            let source = node.operation is Reshape ? x.builder.tensor(node.operands[0]) : x
            return source.reshape(step.1)
        }
    }
}
