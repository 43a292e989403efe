import ApusIR

extension Gather: OnnxOperation {
    func export(_ node: ExportedNode) throws -> String {
        guard batch > 0 else { return node.add("Gather", [node.operand(0), node.operand(1)], [attribute("axis", 0)]) }
        let places = node.add("Cast", [node.operand(1)], [attribute("to", Int(ElementCode.int64.rawValue))])
        let points = node.add("Unsqueeze", [places, node.integers([node.operandType(1).rank])])
        return node.add("GatherND", [node.operand(0), points], [attribute("batch_dims", batch)])
    }
}
