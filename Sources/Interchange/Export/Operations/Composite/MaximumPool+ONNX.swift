import ApusIR

extension MaximumPool: OnnxOperation {
    /// onnxruntime refuses padding that a window does not reach over.
    func isOffered(_ operands: [TensorType]) -> Bool {
        size.indices.allSatisfy { max(padding[$0], paddingAfter[$0]) < size[$0] } && operands[0].element == .f32
    }
    func export(_ node: ExportedNode) throws -> String {
        let attributes = [
            attribute("kernel_shape", size), attribute("strides", stride), attribute("pads", padding + paddingAfter),
            attribute("dilations", dilation),
        ]
        return node.add("MaxPool", [node.operand(0)], attributes)
    }
}
