import ApusIR

extension Add: OnnxElementwise {
    static var onnxOperator: String { "Add" }
}
