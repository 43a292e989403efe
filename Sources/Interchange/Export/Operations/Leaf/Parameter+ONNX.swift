import ApusIR

extension Parameter: OnnxOperation {
    func export(_ node: ExportedNode) throws -> String { name }
}
