import ApusIR

extension ScatterAdd: OnnxOperation {
    /// Rows of all samples are numbered one after the other.
    func export(_ node: ExportedNode) throws -> String {
        let indices = node.operandType(0), rest = Array(node.extents.dropFirst(batch + 1))
        guard let samples = try node.product(node.extents.prefix(batch)).fixed else {
            throw node.unsupported("adds to samples, whose number is open")
        }
        var places = node.operand(0)
        if batch > 0 {
            let shape = Array(indices.shape.prefix(batch)) + indices.shape.dropFirst(batch).map { _ in 1 }
            let starts = (0..<samples).map { Double($0 * rows) }
            places = node.add("Add", [places, node.exporter.constant(TensorType(.i32, shape), starts)])
        }
        places = node.add("Cast", [places], [attribute("to", Int(ElementCode.int64.rawValue))])
        let points = node.add("Unsqueeze", [places, node.integers([indices.rank])])
        let zero = node.exporter.constant(node.type.with(shape: []), [0])
        let zeros = node.expanded(zero, [.fixed(samples * rows)] + rest)
        let sums = node.add("ScatterND", [zeros, points, node.operand(1)], [attribute("reduction", "add")])
        return batch == 0 && node.type.rank == rest.count + 1 ? sums : node.reshaped(sums, node.extents)
    }
}
