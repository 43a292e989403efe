import ApusIR

extension Pass {
    /// Replaces composite operations by the simpler ones that they are made of, until only primitives are left.
    public static let decompose = Pass("decompose") { graph in
        try decomposed(graph) { $0 is any CompositeOperation }
    }
}

/// Replaces the composites that `isWanted` picks; the parts of one that are composites themselves are replaced too.
package func decomposed(_ graph: Graph, where isWanted: (any Operation) -> Bool) throws(GraphErrors) -> Graph {
    var graph = graph
    while graph.nodes.contains(where: { isWanted($0.operation) }) {
        graph = try rebuild(graph) { node, _, operands, _ in
            guard isWanted(node.operation), let composite = node.operation as? any CompositeOperation else { return nil }
            return composite.decompose(operands)
        }
    }
    return graph
}
