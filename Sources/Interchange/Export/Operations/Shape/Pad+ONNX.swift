import ApusIR

extension Pad: OnnxOperation {
    /// Zeros around the elements; those between them are added along an axis of its own.
    func export(_ node: ExportedNode) throws -> String {
        var name = node.operand(0), extents = node.operandExtents(0)
        for axis in interior.indices where interior[axis] > 0 {
            guard let extent = extents[axis].fixed else {
                throw node.unsupported("spreads samples, whose number is open")
            }
            let wide = interior[axis] + 1
            name = node.add("Unsqueeze", [name, node.integers([axis + 1])])
            name = node.add("Pad", [name, node.integers([0, interior[axis]]), "", node.integers([axis + 1])])
            extents[axis] = .fixed(extent * wide)
            name = node.reshaped(name, extents)
            let end = extent * wide - interior[axis]
            name = node.add("Slice", [name, node.integers([0]), node.integers([end]), node.integers([axis])])
            extents[axis] = .fixed(end)
        }
        guard (low + high).contains(where: { $0 != 0 }) else { return name }
        return node.add("Pad", [name, node.integers(low + high)])
    }
}
