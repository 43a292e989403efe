import ApusIR

extension OptimizationBarrier: OnnxOperation {
    /// When something is computed is nothing that ONNX says.
    func export(_ node: ExportedNode) throws -> String { node.operand(0) }
}
