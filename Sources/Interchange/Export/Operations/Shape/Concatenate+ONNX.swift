import ApusIR

extension Concatenate: OnnxOperation {
    func export(_ node: ExportedNode) throws -> String {
        node.add("Concat", node.node.operands.indices.map(node.operand), [attribute("axis", axis)])
    }
}
