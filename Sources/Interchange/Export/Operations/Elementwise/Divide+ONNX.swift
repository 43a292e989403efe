import ApusIR

extension Divide: OnnxElementwise {
    static var onnxOperator: String { "Div" }
}
