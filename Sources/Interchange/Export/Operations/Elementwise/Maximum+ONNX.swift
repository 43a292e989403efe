import ApusIR

extension Maximum: OnnxElementwise {
    static var onnxOperator: String { "Max" }
}
