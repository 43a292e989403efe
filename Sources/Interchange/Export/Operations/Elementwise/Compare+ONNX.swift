import ApusIR

extension Compare: OnnxOperation {
    func export(_ node: ExportedNode) throws -> String {
        let operands = node.broadcastOperands()
        return switch direction {
        case .equal: node.add("Equal", operands)
        case .notEqual: node.add("Not", [node.add("Equal", operands)])
        case .less: node.add("Less", operands)
        case .lessEqual: node.add("LessOrEqual", operands)
        case .greater: node.add("Greater", operands)
        case .greaterEqual: node.add("GreaterOrEqual", operands)
        }
    }
}
