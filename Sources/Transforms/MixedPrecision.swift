import ApusIR

extension Pass {
    /// Matmuls and attention in bfloat16 with sums in f32; what is stored between matmuls is rounded to bfloat16 as
    /// well.
    ///
    /// Weights, optimizer state, sums of residuals, normalisation, softmax and losses stay in f32: a matmul's result
    /// is rounded only where several readers would have it stored. Of a normalisation whose gradient is in the graph,
    /// the normalised rows are kept, rounded, in place of the wider sums that they are computed from. Sums of a
    /// value that matmuls read, as for the gradient of a bias, read the rounded one, unless the value meets its sum
    /// again, as in a normalisation. Expects primitives, attention, and an optimizer in the graph (Micikevicius et al.
    /// 2018 for the scheme).
    public static let mixedPrecision = mixedPrecision(roundingFrom: 4096)

    /// The same, where values of fewer elements than `smallest` stay in f32.
    public static func mixedPrecision(roundingFrom smallest: Int) -> Pass {
        Pass(
            "mixed-precision",
            recording: { graph, rewrites in
                rewrites += oddAttention(graph)
                return try lowered(graph, roundingFrom: smallest)
            })
    }
}

/// Notes of attention that stays in f32 since its heads have odd widths, one for an operation and its gradients.
private func oddAttention(_ graph: Graph) -> [Rewrite] {
    var notes: [Rewrite] = []
    for node in graph.nodes where node.operation.kind == .attention && node.type.element == .f32 {
        let widths = node.operands.prefix(3).compactMap { graph[$0].type.shape.last }
        guard let odd = widths.first(where: { $0 % 2 != 0 }) else { continue }
        let note = Rewrite(
            pass: "mixed-precision",
            note: "attention with heads of \(odd) columns stays in f32: bf16 is multiplied in pairs", isDone: false,
            location: node.location)
        if !notes.contains(note) { notes.append(note) }
    }
    return notes
}

private func lowered(_ graph: Graph, roundingFrom smallest: Int) throws -> Graph {
    let plan = PrecisionPlan(graph, smallest: smallest)
    var lowered: [Value: Tensor] = [:]
    return try rebuild(graph) { node, value, operands, builder in
        /// The operand in bf16: views and repetitions are of the rounded tensor, so that all of them share one, and
        /// parts are rounded before they are joined.
        func low(_ x: Tensor) -> Tensor {
            if x.element == .bf16 { return x }
            if let known = lowered[x.value] { return known }
            let node = builder.graph[x.value]
            // What is stored for many to read, as padded images for their windows, is stored rounded.
            if node.operation is Windows, case let source = builder.graph[node.operands[0]], source.operation is Copy {
                let rounded = low(builder.tensor(source.operands[0])).copied()
                lowered[builder.tensor(node.operands[0]).value] = rounded
            }
            let result =
                node.operation.kind.isMove || node.operation.kind == .repetition || node.operation is Windows
                ? builder.add(node.operation, node.operands.map { low(builder.tensor($0)) }) : x.cast(.bf16)
            lowered[x.value] = result
            return result
        }
        if plan.isLowered(value) {
            // A mask stays as it is: its numbers are added to sums.
            let matrices = (node.operation as? any AttentionOperation).map { type(of: $0).matrixCount }
            let rounded = operands.enumerated().map { $0 < matrices ?? operands.count ? low($1) : $1 }
            guard var dot = node.operation as? Dot else { return builder.add(node.operation, rounded).cast(.f32) }
            dot.result = .f32
            let matmul = builder.add(dot, rounded)
            return plan.isStored(value) ? matmul.cast(.bf16).copied().cast(.f32) : matmul
        }
        if plan.isStored(value), !(node.operation is Dot) {
            return builder.add(node.operation, operands).cast(.bf16).copied().cast(.f32)
        }
        // Only sums: what a largest or smallest element is compared with, such as all of the operand in its gradient,
        // would not be rounded.
        if let reduce = node.operation as? Reduce, reduce.kind == .sum, node.type.element == .f32,
            plan.isMatmulOperand(node.operands[0]), !plan.meets(value, node.operands[0])
        {
            return builder.add(reduce, [low(operands[0]).cast(.f32)])
        }
        return nil
    }
}

/// Which values of a graph in f32 are rounded to bf16 where they are computed.
private struct PrecisionPlan {
    private let graph: Graph
    private let users: [[Value]]
    private var matmulOperands: Set<Value> = []
    /// Values that only serve to update parameters.
    private var isForUpdates: [Bool]
    private let isResult: Set<Value>

    /// Elements of a tensor below which memory does not matter, and digits do.
    private let smallest: Int

    init(_ graph: Graph, smallest: Int) {
        self.smallest = smallest
        self.graph = graph
        var users = [[Value]](repeating: [], count: graph.nodes.count)
        for value in graph.values { for operand in graph[value].operands { users[operand.index].append(value) } }
        self.users = users
        var updates: Set<Value> = [], outputs: Set<Value> = []
        for result in graph.results {
            if case .update = result.kind { updates.insert(result.value) } else { outputs.insert(result.value) }
        }
        isResult = updates.union(outputs)
        isForUpdates = [Bool](repeating: false, count: graph.nodes.count)
        for value in graph.values.reversed() where !outputs.contains(value) {
            let readers = users[value.index]
            // What goes through another matmul or sum on its way is a gradient of activations.
            isForUpdates[value.index] =
                (updates.contains(value) || !readers.isEmpty)
                && readers.allSatisfy { reader in
                    isForUpdates[reader.index] && Self.isStepOfUpdates(graph[reader], graph)
                }
        }
        for value in graph.values where graph[value].operation is Dot {
            for operand in graph[value].operands { matmulOperands.insert(operand) }
        }
    }

    /// What optimizers compute with gradients: element by element, and with lengths of whole tensors.
    private static func isStepOfUpdates(_ node: Node, _ graph: Graph) -> Bool {
        switch node.operation.kind {
        case .elementwise: true
        case .reduction: node.type.rank == 0
        case .repetition: graph[node.operands[0]].type.rank == 0
        // The sum over ranks of a gradient stands between it and its update.
        case .collective: true
        case .leaf, .generated, .view, .copy, .join, .lookup, .contraction, .attention, .sort, .scatter, .composite:
            false
        }
    }

    func isMatmulOperand(_ value: Value) -> Bool {
        matmulOperands.contains(value) && graph[value].type.element == .f32
    }

    /// Whether a value, or a view of it, meets a sum of it later, as where a mean is subtracted: if one were rounded
    /// and the other not, their difference would be the error of rounding.
    func meets(_ sum: Value, _ value: Value) -> Bool {
        var readers: Set<Value> = [], open = [value]
        while let next = open.popLast() {
            for reader in users[next.index] where reader != sum && !isLowered(reader) {
                if graph[reader].operation.kind.isMove { open.append(reader) } else { readers.insert(reader) }
            }
        }
        let last = readers.map(\.index).max() ?? 0
        var reached: Set<Value> = [sum]
        open = [sum]
        while let next = open.popLast() {
            for reader in users[next.index] where reader.index <= last && reached.insert(reader).inserted {
                if readers.contains(reader) { return true }
                open.append(reader)
            }
        }
        return false
    }

    /// Whether a node's operands are rounded to bf16: contractions, and attention whose rows of queries, keys and
    /// values come in pairs, as bf16 is multiplied.
    func isLowered(_ value: Value) -> Bool {
        let node = graph[value]
        guard node.type.element == .f32 else { return false }
        switch node.operation.kind {
        case .contraction: return true
        case .attention: return node.operands.prefix(3).allSatisfy { (graph[$0].type.shape.last ?? 1) % 2 == 0 }
        case .leaf, .generated, .elementwise, .view, .repetition, .copy, .join, .lookup, .reduction, .sort, .scatter,
            .collective, .composite:
            return false
        }
    }

    /// Whether a matmul's result, its sum with a bias, or normalised rows are read in several places.
    func isStored(_ value: Value) -> Bool {
        guard graph[value].type.element == .f32, graph[value].type.count >= smallest, !isForUpdates[value.index],
            !isResult.contains(value)
        else { return false }
        if graph[value].operation is Dot { return users[value.index].count > 1 }
        guard users[value.index].count > 1, graph[value].operands.count == 2 else { return false }
        let (first, second) = (graph[value].operands[0], graph[value].operands[1])
        switch graph[value].operation {
        case is Add:
            return graph[first].operation is Dot && users[first.index].count == 1
                && graph[second].operation is Broadcast
        case is Multiply:
            return graph[first].operation is Subtract && isOfRows(graph[first].operands[1]) && isOfRows(second)
        default: return false
        }
    }

    /// Whether a value is one number for each row, as the mean and the inverse deviation of a normalisation are.
    private func isOfRows(_ value: Value) -> Bool {
        let node = graph[value]
        guard let broadcast = node.operation as? Broadcast, let width = node.type.shape.last else { return false }
        let source = graph[node.operands[0]].type
        return source.count * width == node.type.count
            && (source.shape.last == 1 || broadcast.axes.last != node.type.rank - 1)
    }
}
