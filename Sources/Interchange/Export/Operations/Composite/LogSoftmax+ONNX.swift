import ApusIR

extension LogSoftmax: OnnxOperation {
    func export(_ node: ExportedNode) throws -> String {
        node.add("LogSoftmax", [node.operand(0)], [attribute("axis", -1)])
    }
}
