import ApusIR

extension Minimum: OnnxElementwise {
    static var onnxOperator: String { "Min" }
}
