import ApusIR

extension Windows: OnnxOperation {
    /// Each axis becomes two by a choice of its rows; the two are brought into order at the end.
    func export(_ node: ExportedNode) throws -> String {
        let outer = node.operandType(0).rank - size.count, counts = Array(node.type.shape.suffix(size.count))
        var name = node.operand(0)
        for axis in size.indices {
            let rows = (0..<size[axis]).flatMap { tap in
                (0..<counts[axis]).map { Double(starts[axis] + tap * steps[axis] + $0 * stride[axis]) }
            }
            let indices = node.exporter.constant(TensorType(.i32, [size[axis], counts[axis]]), rows, as: .int64)
            name = node.add("Gather", [name, indices], [attribute("axis", outer + 2 * axis)])
        }
        let order = size.indices.map { outer + 2 * $0 } + size.indices.map { outer + 2 * $0 + 1 }
        return node.transposed(name, Array(0..<outer) + order)
    }
}
