import ApusIR

extension Reduce: OnnxOperation {
    func export(_ node: ExportedNode) throws -> String {
        let name =
            switch kind {
            case .sum: "ReduceSum"
            case .maximum: "ReduceMax"
            case .minimum: "ReduceMin"
            }
        return node.add(name, [node.operand(0), node.integers(axes)], [attribute("keepdims", 0)])
    }
}
