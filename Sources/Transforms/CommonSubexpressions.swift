import ApusIR

extension Pass {
    /// Computes equal expressions once: nodes with the same operation and operands become one.
    public static let commonSubexpressions = Pass("common-subexpressions") { graph in
        var known: [Expression: Tensor] = [:]
        return try rebuild(graph) { node, _, operands, builder in
            if node.operation is Input || node.operation is Parameter { return nil }
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
    var operation: AnyHashable
    var operands: [Value]
    var type: TensorType

    init(_ operation: any Operation, _ operands: [Value], _ type: TensorType) {
        func erase(_ operation: some Operation) -> AnyHashable { AnyHashable(operation) }
        self.operation = erase(operation)
        self.operands = operands
        self.type = type
    }
}
