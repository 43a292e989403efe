import ApusIR

extension Reshape: OnnxOperation {
    func export(_ node: ExportedNode) throws -> String { node.reshaped(node.operand(0), node.extents) }
}
