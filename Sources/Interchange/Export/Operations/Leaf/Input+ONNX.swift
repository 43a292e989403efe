import ApusIR

extension Input: OnnxOperation {
    func export(_ node: ExportedNode) throws -> String { name }
}
