import ApusIR

extension Pass {
    /// Removes nodes that no result needs. Inputs and parameters stay: they are the graph's interface.
    public static let deadCode = Pass("dead-code") { graph in
        var needed = graph.nodes.map(\.isLeaf)
        for result in graph.results { needed[result.value.index] = true }
        for value in graph.values.reversed() where needed[value.index] {
            for operand in graph[value].operands { needed[operand.index] = true }
        }
        var mapped = [Value](repeating: Value(-1), count: graph.nodes.count)
        var result = Graph(name: graph.name)
        for value in graph.values where needed[value.index] {
            var node = graph[value]
            node.operands = node.operands.map { mapped[$0.index] }
            mapped[value.index] = Value(result.nodes.count)
            result.nodes.append(node)
        }
        result.results = graph.results.map { result in
            switch result.kind {
            case .output: GraphResult(result.kind, mapped[result.value.index])
            case .update(let parameter):
                GraphResult(.update(parameter: mapped[parameter.index]), mapped[result.value.index])
            }
        }
        return result
    }
}
