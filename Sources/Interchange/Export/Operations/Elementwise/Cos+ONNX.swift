import ApusIR

extension Cos: OnnxElementwise {
    static var onnxOperator: String { "Cos" }
}
