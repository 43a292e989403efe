import ApusIR

extension Pass {
    /// Computes equal expressions once: nodes with the same operation and operands become one.
    public static let commonSubexpressions = Pass("common-subexpressions") { graph in
        var known: [Expression: Tensor] = [:]
        known.reserveCapacity(graph.nodes.count)
        return try rebuild(graph) { node, _, operands, builder in
            if node.isLeaf { return nil }
            let key = Expression(node.operation, operands.map(\.value), node.type)
            if let earlier = known[key] { return earlier }
            let tensor = builder.append(Node(node.operation, key.operands, node.type, location: node.location))
            known[key] = tensor
            return tensor
        }
    }
}
