import ApusIR

/// Rebuilds a graph node by node; the common frame of passes that replace single nodes.
///
/// `replace` gets each node with its operands in the new graph and returns the tensor that takes its place,
/// or nil to copy the node.
package func rebuild(
    _ graph: Graph, _ replace: (_ node: Node, _ value: Value, _ operands: [Tensor], _ builder: GraphBuilder) -> Tensor?
) throws(GraphErrors) -> Graph {
    let builder = GraphBuilder(name: graph.name)
    var mapped: [Tensor] = []
    mapped.reserveCapacity(graph.nodes.count)
    for value in graph.values {
        let node = graph[value]
        let operands = node.operands.map { mapped[$0.index] }
        builder.location = node.location
        if let replacement = replace(node, value, operands, builder) {
            mapped.append(replacement)
        } else {
            mapped.append(copy(node, operands, into: builder))
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
    switch node.operation {
    case let input as Input: builder.input(input)
    case let parameter as Parameter: builder.parameter(parameter)
    default: builder.append(Node(node.operation, operands.map(\.value), node.type, location: node.location))
    }
}
