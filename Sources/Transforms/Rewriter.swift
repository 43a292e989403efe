import ApusIR

/// Rebuilds a graph node by node; the common frame of passes that replace single nodes.
///
/// `replace` gets each node with its operands in the new graph and returns the tensor that takes its place,
/// or nil to copy the node.
package func rebuild(
    _ graph: Graph, _ replace: (_ node: Node, _ value: Value, _ operands: [Tensor], _ builder: GraphBuilder) -> Tensor?
) throws(GraphErrors) -> Graph {
    try rebuilt(graph) { value, new, builder in replace(graph[value], value, graph[value].operands.map(new), builder) }
}

/// What takes the place of a node, made of what `new` gives for values before it.
package typealias Replacement = (_ new: (Value) -> Tensor) -> Tensor

/// Rebuilds a graph in which some nodes are replaced; the frame of passes that match several nodes at once.
///
/// Nodes that nothing reads any more are removed.
package func rebuild(_ graph: Graph, replacing replacements: [Value: Replacement]) throws -> Graph {
    guard !replacements.isEmpty else { return graph }
    return try Pass.deadCode.run(rebuilt(graph) { value, new, _ in replacements[value]?(new) })
}

private func rebuilt(
    _ graph: Graph, _ replace: (_ value: Value, _ new: (Value) -> Tensor, _ builder: GraphBuilder) -> Tensor?
) throws(GraphErrors) -> Graph {
    let builder = GraphBuilder(name: graph.name, sizedAs: graph)
    var mapped: [Value] = []
    mapped.reserveCapacity(graph.nodes.count)
    func new(_ value: Value) -> Tensor { builder.tensor(mapped[value.index]) }
    for value in graph.values {
        builder.location = graph[value].location
        let tensor = replace(value, new, builder) ?? copy(graph[value], mapped, into: builder)
        mapped.append(tensor.value)
    }
    for result in graph.results {
        switch result.kind {
        case .output(let name): builder.output(name, new(result.value))
        case .update(let parameter): builder.update(new(parameter), with: new(result.value))
        }
    }
    return try builder.finish()
}

/// Adds a node of another graph, with the operands that its own are mapped to; inputs and parameters stay known to the
/// builder by name.
private func copy(_ node: Node, _ mapped: [Value], into builder: GraphBuilder) -> Tensor {
    guard node.isLeaf else {
        let operands = node.operands.map { mapped[$0.index] }
        return builder.append(Node(node.operation, operands, node.type, location: node.location))
    }
    return switch node.operation {
    case let input as Input: builder.input(input)
    case let parameter as Parameter: builder.parameter(parameter)
    default: preconditionFailure("a leaf is an input or a parameter")
    }
}
