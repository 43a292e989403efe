import ApusIR

extension Erf: OnnxElementwise {
    static var onnxOperator: String { "Erf" }
}
