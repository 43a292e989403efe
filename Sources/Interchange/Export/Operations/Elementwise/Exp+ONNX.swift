import ApusIR

extension Exp: OnnxElementwise {
    static var onnxOperator: String { "Exp" }
}
