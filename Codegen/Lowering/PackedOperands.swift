import ApusIR
import ApusTransforms

extension Pass {
    /// Packs an operand once that several small matmuls would pack one after the other, as those of all steps of a
    /// recurrent layer do with its weights; or one matmul in each run, where the operand depends on weights that no run
    /// changes.
    ///
    /// What is packed is a copy in blocks of columns; kernels find that it lies as they would pack it, and read it
    /// where it is (``MatmulKernel/columnBlocks``).
    package static func packOperands(_ tuning: Tuning) -> Pass {
        Pass("pack-operands") { graph in
            let (placement, layout) = Schedule.placed(graph, tuning), preparation = Preparation(graph, tuning)
            var packed: [Value: (side: Int, operand: PackedOperand)] = [:], counts: [PackedOperand: Int] = [:]
            for value in graph.values where placement[value] == .matmul && !graph.usesLibrary(value) {
                guard let orientation = MatmulOrientation(graph, value, layout),
                    let operand = graph.packedOperand(of: value, orientation, tuning)
                else { continue }
                packed[value] = (1 - orientation.leftSide, operand)
                counts[operand, default: 0] += 1
            }
            packed = packed.filter { _, packed in
                preparation.contains(packed.operand.source)
                    || counts[packed.operand, default: 0] >= tuning.sharedPacking
            }
            guard !packed.isEmpty else { return graph }
            var copies: [PackedOperand: Tensor] = [:]
            return try rebuild(graph) { node, value, operands, builder in
                guard let (side, operand) = packed[value], var dot = node.operation as? Dot else { return nil }
                let copy = copies[operand] ?? operand.packed(operands[side], columns: tuning.packedColumns)
                copies[operand] = copy
                var packed = operands
                packed[side] = copy
                if side == 0 {
                    dot.leftContracting = Array(operand.contracting.indices)
                } else {
                    dot.rightContracting = Array(operand.contracting.indices)
                }
                return builder.add(dot, packed)
            }
        }
    }
}

/// What matmuls share that pack alike: a value, and which of its axes are contracted in which order.
private struct PackedOperand: Hashable {
    let source: Value
    let contracting: [Int], free: [Int]

    /// A copy of the operand in blocks of columns, seen as [contracted axes, free axes].
    func packed(_ x: Tensor, columns: Int) -> Tensor {
        let shape = (contracting + free).map { x.shape[$0] }
        let k = contracting.map { x.shape[$0] }.reduce(1, *), pair = x.element == .bf16 ? 2 : 1
        let rows = x.transpose(contracting + free).reshape([k / pair, pair, -1, columns])
        return rows.transpose([2, 0, 3, 1]).copied().transpose([1, 3, 0, 2]).reshape(shape)
    }
}

extension Graph {
    /// The operand that the kernel of a matmul packs; nil if another would not gain from what is packed already.
    fileprivate func packedOperand(
        of value: Value, _ orientation: MatmulOrientation, _ tuning: Tuning
    ) -> PackedOperand? {
        guard let dot = self[value].operation as? Dot, dot.leftBatch.isEmpty else { return nil }
        let shape = orientation.shape, side = 1 - orientation.leftSide, operand = self[value].operands[side]
        let (rows, columns) = orientation.isTransposed ? (shape.n, shape.m) : (shape.m, shape.n)
        let rank = self[operand].type.rank
        // With many rows, packing is a small part of the work; one block alone lies as it is packed.
        guard columns % tuning.packedColumns == 0, columns > tuning.packedColumns,
            rows < tuning.packingCost * tuning.leastPackingShare
        else { return nil }
        return PackedOperand(
            source: operand, contracting: side == 0 ? dot.leftContracting : dot.rightContracting,
            free: side == 0 ? dot.leftFree(rank) : dot.rightFree(rank))
    }
}
