import ApusIR

extension LayerNormalization: OnnxOperation {
    func export(_ node: ExportedNode) throws -> String {
        let operands = [0, 1, 2].map(node.operand)
        return node.add("LayerNormalization", operands, [attribute("axis", -1), attribute("epsilon", epsilon)])
    }
}
