import ApusIR

extension Cast: OnnxOperation {
    func export(_ node: ExportedNode) throws -> String {
        node.add("Cast", [node.operand(0)], [attribute("to", Int(element.code.rawValue))])
    }
}
