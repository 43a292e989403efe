import ApusIR

extension UpsampledConvolution: OnnxOperation {
    func isOffered(_ operands: [TensorType]) -> Bool { operands[0].element == .f32 }

    /// With channels second, as ONNX has them.
    func export(_ node: ExportedNode) throws -> String {
        let (x, kernel) = (node.operandType(0).shape, Array(node.operandType(1).shape.dropFirst(2)))
        var name = node.transposed(node.operand(0), [0, 3, 1, 2])
        if [x[1], x[2]] != [height, width] {
            name = node.add(
                "Resize", [name, "", "", node.integers([height, width])],
                [
                    attribute("axes", [2, 3]), attribute("mode", "linear"),
                    attribute("coordinate_transformation_mode", "align_corners"),
                ])
        }
        let padding = kernel.map { $0 / 2 }
        name = node.add(
            "Conv", [name, node.operand(1)], [attribute("kernel_shape", kernel), attribute("pads", padding + padding)])
        return node.transposed(name, [0, 2, 3, 1])
    }
}
