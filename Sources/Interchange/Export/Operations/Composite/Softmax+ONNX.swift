import ApusIR

extension Softmax: OnnxOperation {
    /// Rows of nothing but −∞ are NaN in ONNX.
    func isOffered(_ operands: [TensorType]) -> Bool { !isSafe }
    func export(_ node: ExportedNode) throws -> String {
        node.add("Softmax", [node.operand(0)], [attribute("axis", -1)])
    }
}
