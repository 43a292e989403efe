import ApusIR

extension Convolve: OnnxOperation {
    func export(_ node: ExportedNode) throws -> String {
        let attributes = [
            attribute("kernel_shape", Array(node.operandType(1).shape.dropFirst(2))), attribute("strides", stride),
            attribute("pads", padding + padding), attribute("dilations", dilation), attribute("group", groups),
        ]
        return node.add("Conv", [node.operand(0), node.operand(1)], attributes)
    }
}
