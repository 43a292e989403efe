import ApusIR

extension GELU: OnnxOperation {
    func export(_ node: ExportedNode) throws -> String { node.add("Gelu", [node.operand(0)]) }
}
