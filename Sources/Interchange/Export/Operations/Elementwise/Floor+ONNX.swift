import ApusIR

extension Floor: OnnxElementwise {
    static var onnxOperator: String { "Floor" }
}
