import ApusIR

extension Pass {
    /// Matmuls of one tensor with several weights become one matmul with the weights put together, of which each
    /// takes its columns.
    ///
    /// dot(x, v), dot(x, w) = slices of dot(x, concatenate(v, w)), where the weights are matrices that are parameters,
    /// all [out, in] or all [in, out]; where each matmul has a bias added, the sums are one sum as well. The matmuls
    /// are of like width: the widest has at most four times the columns of the narrowest. The parameters stay apart,
    /// with their names.
    public static let fuseQKV = Pass(
        "fuse-qkv",
        recording: { graph, rewrites in
            let editor = GraphEditor(graph)
            for matmuls in sideBySide(graph, editor) {
                let first = editor.node(matmuls[0].value)
                rewrites.append(
                    Rewrite(
                        pass: "fuse-qkv", note: "\(matmuls.count) matmuls of one operand became one",
                        location: first.location))
                join(matmuls, editor)
            }
            return try editor.finish()
        })
}

/// A matmul with a weight, and what is added to it.
private struct WeightedMatmul {
    var value: Value
    var x: Value
    var weight: Value
    var dot: Dot
    /// Number of columns.
    var width: Int
    /// The bias and the sum with it, if nothing else reads the matmul.
    var bias: (value: Value, sum: Value)?

    init?(_ value: Value, _ editor: GraphEditor) {
        let node = editor.node(value)
        guard editor.isNeeded(value), let dot = node.operation as? Dot, dot.leftBatch.isEmpty,
            dot.leftContracting.count == 1
        else { return nil }
        let weight = editor.node(node.operands[1])
        guard weight.operation is Parameter, weight.type.rank == 2 else { return nil }
        (self.value, x, self.weight, self.dot) = (value, node.operands[0], node.operands[1], dot)
        width = weight.type.shape[1 - dot.rightContracting[0]]
        bias = Self.bias(of: value, editor)
    }

    private static func bias(of value: Value, _ editor: GraphEditor) -> (value: Value, sum: Value)? {
        let readers = editor.readers(of: value), rank = editor.type(value).rank
        guard readers.count == 1, !editor.isResult(value), editor.node(readers[0]).operation is Add else { return nil }
        for operand in editor.node(readers[0]).operands where operand != value {
            let node = editor.node(operand)
            guard let broadcast = node.operation as? Broadcast, broadcast.axes == [rank - 1] else { continue }
            let bias = editor.node(node.operands[0])
            if bias.operation is Parameter, bias.type.shape == [editor.type(value).shape[rank - 1]] {
                return (node.operands[0], readers[0])
            }
        }
        return nil
    }
}

/// What matmuls have in common that can become one.
private struct Side: Hashable {
    var x: Value
    var dot: Dot
}

/// Groups of at least two matmuls of one operand, of like width, each in the order of the graph.
private func sideBySide(_ graph: Graph, _ editor: GraphEditor) -> [[WeightedMatmul]] {
    let matmuls = graph.values.compactMap { WeightedMatmul($0, editor) }
    let sides = Dictionary(grouping: matmuls) { Side(x: $0.x, dot: $0.dot) }.values
    let groups = sides.flatMap { side in
        var groups: [[WeightedMatmul]] = []
        for matmul in side.sorted(by: { ($0.width, $0.value) < ($1.width, $1.value) }) {
            if let narrowest = groups.last?.first, matmul.width <= 4 * narrowest.width {
                groups[groups.count - 1].append(matmul)
            } else {
                groups.append([matmul])
            }
        }
        return groups
    }
    return groups.filter { $0.count > 1 }.map { $0.sorted { $0.value < $1.value } }.sorted { $0[0].value < $1[0].value }
}

private func join(_ matmuls: [WeightedMatmul], _ editor: GraphEditor) {
    let builder = editor.builder, dot = matmuls[0].dot, node = editor.node(matmuls[0].value)
    builder.location = node.location
    let weights = concatenate(matmuls.map { builder.tensor($0.weight) }, axis: 1 - dot.rightContracting[0])
    var joint = builder.add(dot, [builder.tensor(matmuls[0].x), weights])
    let biases = matmuls.compactMap(\.bias)
    let haveBiases = biases.count == matmuls.count
    if haveBiases { joint = joint + concatenate(biases.map { builder.tensor($0.value) }, axis: 0) }
    var start = 0
    for matmul in matmuls {
        let part = joint.slice(start..<start + matmul.width, axis: -1)
        editor.replace(haveBiases ? matmul.bias?.sum ?? matmul.value : matmul.value, with: part)
        start += matmul.width
    }
}
