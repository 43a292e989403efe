import ApusIR

extension Broadcast: OnnxOperation {
    func export(_ node: ExportedNode) throws -> String {
        node.expanded(node.exporter.broadcastable(node.value).name, node.extents)
    }
}
