import ApusIR

extension Tanh: OnnxElementwise {
    static var onnxOperator: String { "Tanh" }
}
