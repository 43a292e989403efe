import ApusIR

extension Select: OnnxElementwise {
    static var onnxOperator: String { "Where" }
}
