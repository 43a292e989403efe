import ApusIR

extension Slice: OnnxOperation {
    /// The axes of which a part is taken; others may have an open extent.
    func export(_ node: ExportedNode) throws -> String {
        let source = node.operandType(0).shape
        let axes = source.indices.filter { starts[$0] != 0 || steps[$0] != 1 || limits[$0] != source[$0] }
        guard !axes.isEmpty else { return node.operand(0) }
        func along(_ numbers: [Int]) -> String { node.integers(axes.map { numbers[$0] }) }
        return node.add("Slice", [node.operand(0), along(starts), along(limits), node.integers(axes), along(steps)])
    }
}
