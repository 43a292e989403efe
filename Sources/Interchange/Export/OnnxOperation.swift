import ApusIR

/// An operation that ONNX can say. Each conforms in a file of its own; a composite that does not is decomposed.
protocol OnnxOperation: Operation {
    /// Whether ONNX says it for these operands.
    func isOffered(_ operands: [TensorType]) -> Bool
    /// Adds nodes that compute the result, and returns its name.
    func export(_ node: ExportedNode) throws -> String
}

extension OnnxOperation {
    func isOffered(_ operands: [TensorType]) -> Bool { true }
}

/// An element-wise operation that is one operator, whose operands are broadcast together.
protocol OnnxElementwise: OnnxOperation {
    static var onnxOperator: String { get }
}

extension OnnxElementwise {
    func export(_ node: ExportedNode) throws -> String { node.add(Self.onnxOperator, node.broadcastOperands()) }
}
