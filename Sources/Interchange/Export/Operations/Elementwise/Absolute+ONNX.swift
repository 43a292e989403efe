import ApusIR

extension Absolute: OnnxElementwise {
    static var onnxOperator: String { "Abs" }
}
