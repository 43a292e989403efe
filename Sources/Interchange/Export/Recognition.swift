import ApusIR

extension ExportedNode {
    /// Functions that the IR writes out and for which ONNX has a name: adds the operator, if the node is one of them.
    func recognized() -> String? {
        if let x = reluOperand { return add("Relu", [exporter.name(of: x)]) }
        if let x = sigmoidOperand { return add("Sigmoid", [exporter.name(of: x)]) }
        return nil
    }

    /// x where the node is `select(x ≤ 0, 0, x)`.
    private var reluOperand: Value? {
        guard node.operation is Select, type.element.isFloatingPoint else { return nil }
        let test = exporter.graph[node.operands[0]], x = node.operands[2]
        guard (test.operation as? Compare)?.direction == .lessEqual, test.operands[0] == x,
            number(test.operands[1]) == 0, number(node.operands[1]) == 0
        else { return nil }
        return x
    }

    /// x where the node is `tanh(x · 0.5) · 0.5 + 0.5`.
    private var sigmoidOperand: Value? {
        guard node.operation is Add, let half = factor(of: node, by: Add.self),
            let tanh = factor(of: exporter.graph[half], by: Multiply.self), exporter.graph[tanh].operation is Tanh
        else { return nil }
        return factor(of: exporter.graph[exporter.graph[tanh].operands[0]], by: Multiply.self)
    }

    /// The other operand of an operation one of whose operands is 0.5 throughout.
    private func factor<Kind: Operation>(of node: Node, by kind: Kind.Type) -> Value? {
        guard node.operation is Kind, node.operands.count == 2 else { return nil }
        if number(node.operands[1]) == 0.5 { return node.operands[0] }
        return number(node.operands[0]) == 0.5 ? node.operands[1] : nil
    }

    /// The number that all elements of a value are, if it is a constant or a broadcast of one.
    private func number(_ value: Value) -> Double? {
        let node = exporter.graph[value]
        if node.operation is Broadcast { return number(node.operands[0]) }
        return (node.operation as? Constant)?.splat
    }
}
