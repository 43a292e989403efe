import ApusIR

extension Constant: OnnxOperation {
    /// Numbers as they are; one number for many elements is repeated when the model runs.
    func export(_ node: ExportedNode) throws -> String {
        guard let splat, type.rank > 0 else { return node.exporter.constant(type, values) }
        return node.expanded(node.exporter.constant(type.with(shape: []), [splat]), node.extents)
    }
}
