import ApusIR

extension Interpolation: OnnxOperation {
    /// Of the nearest elements, those whose places are whole numbers; means of parts are sums of rows.
    func isOffered(_ operands: [TensorType]) -> Bool {
        switch rule {
        case .alignedCorners, .pixelCentres: operands[0].element == .f32
        case .nearest: operands[0].element == .f32 && size % operands[0].shape[axis] == 0
        case .average: false
        }
    }

    /// All axes before the one that changes are taken together, and so are those behind it.
    func export(_ node: ExportedNode) throws -> String {
        let extents = node.operandExtents(0)
        guard let extent = extents[axis].fixed else {
            throw node.unsupported("interpolates samples, whose number is open")
        }
        let before = try node.product(extents[..<axis]), after = try node.product(extents[(axis + 1)...])
        guard let width = after.fixed else {
            throw node.unsupported("interpolates before samples, whose number is open")
        }
        let flat = node.reshaped(node.operand(0), [.fixed(1), before, .fixed(extent), .fixed(width)])
        let sizes = node.integers([size, width])
        let (mode, places) =
            switch rule {
            case .alignedCorners: ("linear", "align_corners")
            case .pixelCentres: ("linear", "half_pixel")
            case .nearest, .average: ("nearest", "asymmetric")
            }
        let attributes = [
            attribute("axes", [2, 3]), attribute("mode", mode), attribute("coordinate_transformation_mode", places),
            attribute("nearest_mode", "floor"),
        ]
        return node.reshaped(node.add("Resize", [flat, "", "", sizes], attributes), node.extents)
    }
}
