import ApusIR

/// A graph that is changed while it is looked at: nodes are added, and values replaced by others. Equal expressions are
/// one value.
final class GraphEditor {
    let builder: GraphBuilder
    private var replacements: [Value: Value] = [:]
    /// For each value the nodes that read it; a node that reads it twice is there twice.
    private var readersOfValues: [[Value]] = []
    private var isResult: [Bool] = []
    /// What each node computed when it was added; nil for one that is gone.
    private var expressions: [Expression?] = []
    private var known: [Expression: Value] = [:]

    init(_ graph: Graph) {
        builder = GraphBuilder(extending: graph)
        numberNewNodes()
        for result in graph.results { isResult[self[result.value].index] = true }
        for value in graph.values where readersOfValues[value.index].isEmpty { removeIfUnread(value) }
    }

    /// The value that stands for a value now.
    subscript(value: Value) -> Value {
        var value = value
        while let next = replacements[value] { value = next }
        return value
    }

    /// The node of a value, which must not be replaced, with operands that are not replaced either.
    func node(_ value: Value) -> Node {
        var node = builder.graph[value]
        node.operands = node.operands.map { self[$0] }
        return node
    }

    func tensor(_ value: Value) -> Tensor { builder.tensor(self[value]) }
    func type(_ value: Value) -> TensorType { builder.graph[value].type }

    /// The nodes that read a value, each once, in the order of the graph.
    func readers(of value: Value) -> [Value] { Set(readersOfValues[value.index]).sorted() }
    /// Whether a value is a result, or the parameter of one.
    func isResult(_ value: Value) -> Bool { isResult[value.index] }
    /// Whether anything needs a value.
    func isNeeded(_ value: Value) -> Bool {
        replacements[value] == nil && (isResult[value.index] || !readersOfValues[value.index].isEmpty)
    }

    // MARK: Changing

    /// Numbers the nodes that the builder has added since the last time, and gives the value that stands for `tensor`.
    @discardableResult
    func numberNewNodes(_ tensor: Tensor? = nil) -> Value {
        for index in readersOfValues.count..<builder.graph.nodes.count {
            let value = Value(index), node = node(value)
            readersOfValues.append([])
            isResult.append(false)
            expressions.append(nil)
            guard !node.isLeaf else { continue }
            let expression = Expression(node.operation, node.operands, node.type)
            if let earlier = known[expression] {
                replacements[value] = earlier
            } else {
                known[expression] = value
                expressions[index] = expression
                for operand in node.operands { readersOfValues[operand.index].append(value) }
            }
        }
        return tensor.map { self[$0.value] } ?? Value(-1)
    }

    /// Makes all readers of a value read another one.
    func replace(_ value: Value, with tensor: Tensor) {
        let other = numberNewNodes(tensor)
        guard other != value else { return }
        readersOfValues[other.index] += readersOfValues[value.index]
        if isResult[value.index] { isResult[other.index] = true }
        readersOfValues[value.index] = []
        isResult[value.index] = false
        replacements[value] = other
        forget(value)
    }

    /// Removes new nodes that came to be of no use.
    func removeUnread(from count: Int) {
        numberNewNodes()
        for index in (count..<readersOfValues.count).reversed() { removeIfUnread(Value(index)) }
    }

    private func removeIfUnread(_ value: Value) {
        if !isNeeded(value), replacements[value] == nil { forget(value) }
    }

    /// A node reads its operands no longer; those that nothing else reads go with it.
    private func forget(_ value: Value) {
        var open = [value]
        while let value = open.popLast() {
            guard let expression = expressions[value.index] else { continue }
            expressions[value.index] = nil
            known[expression] = nil
            for operand in node(value).operands {
                if let place = readersOfValues[operand.index].firstIndex(of: value) {
                    readersOfValues[operand.index].remove(at: place)
                }
                if !isNeeded(operand) { open.append(operand) }
            }
        }
    }

    // MARK: The end

    /// The graph as it is now: what the results need, in the order in which it was declared as far as possible.
    func finish() throws(GraphErrors) -> Graph {
        let old = try builder.finish()
        var new = Graph(name: old.name), places: [Value: Value] = [:]
        var isWanted = old.nodes.map(\.isLeaf)
        var leaves = old.values.filter { isWanted[$0.index] }[...]
        func add(_ node: Node, for value: Value) {
            places[value] = Value(new.nodes.count)
            new.nodes.append(node)
        }
        func place(_ value: Value) -> Value {
            let value = self[value]
            // Inputs and parameters keep their order, even if one is needed earlier now.
            while let leaf = leaves.first, leaf <= value, old[value].isLeaf {
                add(old[leaf], for: leaf)
                leaves.removeFirst()
            }
            if places[value] == nil {
                var node = old[value]
                node.operands = node.operands.map(place)
                add(node, for: value)
            }
            return places[value] ?? value
        }
        var open = old.results.map { self[$0.value] }
        while let value = open.popLast() {
            guard !isWanted[value.index] else { continue }
            isWanted[value.index] = true
            open += old[value].operands.map { self[$0] }
        }
        for value in old.values where isWanted[value.index] { _ = place(value) }
        new.results = old.results.map { result in
            switch result.kind {
            case .output: GraphResult(result.kind, place(result.value))
            case .update(let parameter): GraphResult(.update(parameter: place(parameter)), place(result.value))
            }
        }
        return new
    }
}
