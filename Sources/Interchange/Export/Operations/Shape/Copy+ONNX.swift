import ApusIR

extension Copy: OnnxOperation {
    /// Where numbers lie in memory is nothing that ONNX says.
    func export(_ node: ExportedNode) throws -> String { node.operand(0) }
}
