import ApusIR

extension Transpose: OnnxOperation {
    func export(_ node: ExportedNode) throws -> String { node.transposed(node.operand(0), permutation) }
}
