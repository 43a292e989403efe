import ApusIR

extension Iota: OnnxOperation {
    /// The numbers along the axis, repeated along the others.
    func export(_ node: ExportedNode) throws -> String {
        guard let count = node.extents[axis].fixed else {
            throw node.unsupported("counts samples, whose number is open")
        }
        guard count <= 1 << 24 else { throw node.unsupported("counts to \(count), more than a file should hold") }
        let shape = [count] + type.shape[(axis + 1)...].map { _ in 1 }
        let counters = node.exporter.constant(type.with(shape: shape), (0..<count).map(Double.init))
        return type.rank == 1 ? counters : node.expanded(counters, node.extents)
    }
}
