import ApusIR

extension Pass {
    /// Replaces composite operations by the simpler ones that they are made of, until only primitives are left.
    public static let decompose = decompose { _, _ in false }

    /// The same, except for those that are kept: a back end may have kernels for them.
    public static func decompose(keeping isKept: @escaping @Sendable (Graph, Node) -> Bool) -> Pass {
        Pass("decompose") { graph in try decomposed(graph) { $1.operation is any CompositeOperation && !isKept($0, $1) }
        }
    }
}

/// Replaces the composites that `isWanted` picks; the parts of one that are composites themselves are replaced too.
package func decomposed(_ graph: Graph, where isWanted: (Graph, Node) -> Bool) throws(GraphErrors) -> Graph {
    var graph = graph
    while graph.nodes.contains(where: { isWanted(graph, $0) }) {
        let before = graph
        graph = try rebuild(before) { node, _, operands, _ in
            guard isWanted(before, node), let composite = node.operation as? any CompositeOperation else { return nil }
            return composite.decompose(operands)
        }
    }
    return graph
}
