import ApusIR

extension Power: OnnxElementwise {
    static var onnxOperator: String { "Pow" }
}
