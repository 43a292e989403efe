import ApusIR

extension ArgSort: OnnxOperation {
    /// Of equal elements, `TopK` takes the first one first.
    func export(_ node: ExportedNode) throws -> String {
        let type = node.operandType(0)
        guard let width = node.operandExtents(0)[type.rank - 1].fixed else {
            throw node.unsupported("sorts samples, whose number is open")
        }
        let sorted = node.add(
            "TopK", [node.operand(0), node.integers([width])], [attribute("axis", -1), attribute("largest", 0)],
            results: 2)
        return node.add("Cast", [sorted[1]], [attribute("to", Int(ElementCode.int32.rawValue))])
    }
}
