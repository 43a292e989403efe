import ApusIR

extension Log: OnnxElementwise {
    static var onnxOperator: String { "Log" }
}
