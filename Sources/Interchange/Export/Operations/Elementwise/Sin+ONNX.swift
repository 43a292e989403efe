import ApusIR

extension Sin: OnnxElementwise {
    static var onnxOperator: String { "Sin" }
}
