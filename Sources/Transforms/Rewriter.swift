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
    let builder = GraphBuilder(name: graph.name)
    var mapped: [Tensor] = []
    mapped.reserveCapacity(graph.nodes.count)
    for value in graph.values {
        builder.location = graph[value].location
        if let replacement = replace(value, { mapped[$0.index] }, builder) {
            mapped.append(replacement)
        } else {
            mapped.append(copy(graph[value], graph[value].operands.map { mapped[$0.index] }, into: builder))
        }
    }
    for result in graph.results {
        switch result.kind {
        case .output(let name): builder.output(name, mapped[result.value.index])
        case .update(let parameter): builder.update(mapped[parameter.index], with: mapped[result.value.index])
        }
    }
    return try builder.finish()
}

/// Adds a node of another graph; inputs and parameters stay known to the builder by name.
private func copy(_ node: Node, _ operands: [Tensor], into builder: GraphBuilder) -> Tensor {
    guard node.isLeaf else {
        return builder.append(Node(node.operation, operands.map(\.value), node.type, location: node.location))
    }
    return switch node.operation {
    case let input as Input: builder.input(input)
    case let parameter as Parameter: builder.parameter(parameter)
    default: preconditionFailure("a leaf is an input or a parameter")
    }
}
