import ApusIR

extension Pass {
    /// Products of one tensor with several weights become one product with the weights put together, of which each
    /// takes its columns.
    ///
    /// dot(x, v), dot(x, w) = slices of dot(x, concatenate(v, w)), where the weights are matrices that are parameters,
    /// all [out, in] or all [in, out]; where each product has a bias added, the sums are one sum as well. The products
    /// are of like width: the widest has at most four times the columns of the narrowest. The parameters stay apart,
    /// with their names.
    public static let fuseQKV = Pass(
        "fuse-qkv",
        recording: { graph, rewrites in
            let editor = GraphEditor(graph)
            for products in sideBySide(graph, editor) {
                let first = editor.node(products[0].value)
                rewrites.append(
                    Rewrite(
                        pass: "fuse-qkv", note: "\(products.count) products of one operand became one",
                        location: first.location))
                join(products, editor)
            }
            return try editor.finish()
        })
}

/// A product with a weight, and what is added to it.
private struct WeightedProduct {
    var value: Value
    var x: Value
    var weight: Value
    var dot: Dot
    /// Number of columns.
    var width: Int
    /// The bias and the sum with it, if nothing else reads the product.
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

/// What products have in common that can become one.
private struct Side: Hashable {
    var x: Value
    var dot: Dot
}

/// Groups of at least two products of one operand, of like width, each in the order of the graph.
private func sideBySide(_ graph: Graph, _ editor: GraphEditor) -> [[WeightedProduct]] {
    let products = graph.values.compactMap { WeightedProduct($0, editor) }
    let sides = Dictionary(grouping: products) { Side(x: $0.x, dot: $0.dot) }.values
    let groups = sides.flatMap { side in
        var groups: [[WeightedProduct]] = []
        for product in side.sorted(by: { ($0.width, $0.value) < ($1.width, $1.value) }) {
            if let narrowest = groups.last?.first, product.width <= 4 * narrowest.width {
                groups[groups.count - 1].append(product)
            } else {
                groups.append([product])
            }
        }
        return groups
    }
    return groups.filter { $0.count > 1 }.map { $0.sorted { $0.value < $1.value } }.sorted { $0[0].value < $1[0].value }
}

private func join(_ products: [WeightedProduct], _ editor: GraphEditor) {
    let builder = editor.builder, dot = products[0].dot, node = editor.node(products[0].value)
    builder.location = node.location
    let weights = concatenate(products.map { builder.tensor($0.weight) }, axis: 1 - dot.rightContracting[0])
    var joint = builder.add(dot, [builder.tensor(products[0].x), weights])
    let biases = products.compactMap(\.bias)
    let haveBiases = biases.count == products.count
    if haveBiases { joint = joint + concatenate(biases.map { builder.tensor($0.value) }, axis: 0) }
    var start = 0
    for product in products {
        let part = joint.slice(start..<start + product.width, axis: -1)
        editor.replace(haveBiases ? product.bias?.sum ?? product.value : product.value, with: part)
        start += product.width
    }
}
