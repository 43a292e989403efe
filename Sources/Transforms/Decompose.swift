import ApusIR

extension Pass {
    /// Replaces composite operations by the simpler ones that they are made of, until only primitives are left.
    public static let decompose = decompose { _, _ in false }

    /// The same, except for those that are kept: a back end may have kernels for them.
    ///
    /// - Parameter obstacle: Why there is no kernel for what might have one, which is recorded; nil for others.
    public static func decompose(
        keeping isKept: @escaping @Sendable (Graph, Node) -> Bool,
        explaining obstacle: @escaping @Sendable (Graph, Node) -> String? = { _, _ in nil }
    ) -> Pass {
        Pass(
            "decompose",
            recording: { graph, rewrites in
                var known: Set<Rewrite> = [], composites = CompositeTypes()
                for node in graph.nodes where composites.contain(node.operation) {
                    guard let note = obstacle(graph, node) else { continue }
                    // An operation and its gradients have one reason.
                    let rewrite = Rewrite(pass: "decompose", note: note, isDone: false, location: node.location)
                    if known.insert(rewrite).inserted { rewrites.append(rewrite) }
                }
                return try decomposed(graph) { composites.contain($1.operation) && !isKept($0, $1) }
            })
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

/// Which types of operations are composites. To look a protocol up takes long, and graphs have many nodes of few types.
private struct CompositeTypes {
    private var known: [ObjectIdentifier: Bool] = [:]

    mutating func contain(_ operation: any Operation) -> Bool {
        let type = ObjectIdentifier(Swift.type(of: operation))
        if let answer = known[type] { return answer }
        let answer = operation is any CompositeOperation
        known[type] = answer
        return answer
    }
}
