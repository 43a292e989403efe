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

/// What two nodes must have in common to compute the same.
struct Expression: Hashable {
    let operation: any Operation
    let operands: [Value]
    let type: TensorType

    init(_ operation: any Operation, _ operands: [Value], _ type: TensorType) {
        self.operation = operation
        self.operands = operands
        self.type = type
    }

    /// Operands come first: they are compared quickly, and mostly tell already.
    static func == (a: Expression, b: Expression) -> Bool {
        a.operands == b.operands && a.type == b.type && a.operation.isEqual(to: b.operation)
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(ObjectIdentifier(Swift.type(of: operation)))
        operation.hash(into: &hasher)
        hasher.combine(operands)
    }
}
