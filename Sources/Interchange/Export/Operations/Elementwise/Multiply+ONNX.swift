import ApusIR

extension Multiply: OnnxElementwise {
    static var onnxOperator: String { "Mul" }
}
