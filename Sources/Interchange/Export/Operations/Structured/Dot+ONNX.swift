import ApusIR

extension Dot: OnnxOperation {
    /// A matrix product of ONNX has one axis of rows, one of columns and one that is summed over, behind those of the
    /// batch: axes are brought into that order and into that number.
    func export(_ node: ExportedNode) throws -> String {
        let (left, right) = (node.operandType(0), node.operandType(1))
        let leftFree = leftFree(left.rank), rightFree = rightFree(right.rank), batch = leftBatch.count
        let product: String
        if left.rank == 2, right.rank == 2, leftContracting.count == 1, batch == 0 {
            let flags = [
                attribute("transA", leftContracting[0] == 0 ? 1 : 0), attribute("transB", rightContracting[0]),
            ]
            product = node.add("Gemm", [node.operand(0), node.operand(1)], flags)
        } else {
            var a = node.transposed(node.operand(0), leftBatch + leftFree + leftContracting)
            var b = node.transposed(node.operand(1), rightBatch + rightContracting + rightFree)
            let isPlain =
                leftContracting.count == 1 && rightFree.count == 1
                && (leftFree.count == 1 || (batch == 0 && leftFree.count > 1))
            if !isPlain {
                let x = node.operandExtents(0), y = node.operandExtents(1)
                let shared = leftBatch.map { x[$0] }
                a = node.reshaped(
                    a, try shared + [node.product(leftFree.map { x[$0] }), node.product(leftContracting.map { x[$0] })])
                b = node.reshaped(
                    b,
                    try shared + [node.product(rightContracting.map { y[$0] }), node.product(rightFree.map { y[$0] })])
            }
            let name = node.add("MatMul", [a, b])
            product = isPlain ? name : node.reshaped(name, node.extents)
        }
        guard let result, result != left.element else { return product }
        return node.add("Cast", [product], [attribute("to", Int(result.code.rawValue))])
    }
}
