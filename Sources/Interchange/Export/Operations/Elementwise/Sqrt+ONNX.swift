import ApusIR

extension Sqrt: OnnxElementwise {
    static var onnxOperator: String { "Sqrt" }
}
