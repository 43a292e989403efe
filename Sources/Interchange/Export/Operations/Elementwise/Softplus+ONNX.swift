import ApusIR

extension Softplus: OnnxOperation {
    func export(_ node: ExportedNode) throws -> String { node.add("Softplus", [node.operand(0)]) }
}
