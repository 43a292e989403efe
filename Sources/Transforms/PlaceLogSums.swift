import ApusIR

extension Pass {
    /// Computes the log-sums that gradients of attention read right behind the attention, with which they share a
    /// kernel: so they belong to the forward pass, and are kept whatever is computed again.
    public static let placeLogSums = Pass("place-log-sums") { graph in
        func expression(_ node: Node) -> Expression { Expression(node.operation, node.operands, node.type) }
        let wanted = Set(graph.nodes.filter { $0.operation is AttentionLogSum }.map(expression))
        guard !wanted.isEmpty else { return graph }
        var placed: [Expression: Tensor] = [:]
        return try rebuild(graph) { node, _, operands, builder in
            if node.operation is AttentionLogSum { return placed[expression(node)] }
            guard let attention = node.operation as? Attention else { return nil }
            let result = builder.add(attention, operands), logSum = AttentionLogSum(attention.scores)
            let expression = Expression(logSum, node.operands, AttentionLogSum.type(of: node.type))
            if wanted.contains(expression), placed[expression] == nil {
                placed[expression] = builder.add(logSum, operands)
            }
            return result
        }
    }
}
