import ApusIR

extension Negate: OnnxElementwise {
    static var onnxOperator: String { "Neg" }
}
