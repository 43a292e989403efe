import ApusIR

extension Subtract: OnnxElementwise {
    static var onnxOperator: String { "Sub" }
}
