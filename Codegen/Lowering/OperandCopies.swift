import ApusIR
import ApusRuntime
import ApusTransforms

/// Generated matmuls read one operand where it lies, row by row: the left one, or the right one if their result is
/// written transposed.
struct MatmulOrientation {
    let shape: MatmulShape
    /// Whether Cᵀ = Bᵀ · Aᵀ is computed, since C's columns are contiguous.
    let isTransposed: Bool
    /// Where the result lies, as it is computed.
    let result: Matmul.Matrix

    /// Nil if the result cannot be written with its strides.
    init?(_ graph: Graph, _ value: Value, _ layout: Layout) {
        shape = MatmulShape(graph, value)
        guard let result = shape.result(strides: layout[value].strides) else { return nil }
        isTransposed = result.columnStride != 1 && (shape.n > 1 || result.rowStride == 1)
        self.result = isTransposed ? result.transposed : result
    }

    /// The operand that is not packed.
    var leftSide: Int { isTransposed ? 1 : 0 }

    /// Where that operand lies; nil if its rows are neither contiguous in memory nor long enough runs.
    func left(_ graph: Graph, _ value: Value, _ placement: Placement, _ layout: Layout, _ tuning: Tuning) -> (
        rows: MatmulKernel.Left, buffer: Int
    )? {
        let operand = graph[value].operands[leftSide]
        // Pairs of bf16 lie together.
        let isInPairs = graph[operand].type.element == .bf16
        guard
            let view = graph.view(
                of: operand, isStored: placement.isStored, storage: { (layout[$0].offset, layout[$0].strides) }),
            var rows = shape.rows(leftSide, strides: view.strides, shortestRun: tuning.shortestRun),
            !isInPairs || rows.run % 2 == 0
        else { return nil }
        rows.offset = view.offset
        return (rows, layout[view.base].buffer)
    }
}

extension Pass {
    /// What has operands lie in memory as kernels read them; the schedule is of what these passes leave.
    package static func placeOperands(_ tuning: Tuning) -> [Pass] { [.copyOperands(tuning), .packOperands(tuning)] }

    /// Adds copies of the left operands of generated matmuls that do not lie in memory row by row.
    package static func copyOperands(_ tuning: Tuning) -> Pass {
        Pass("copy-operands") { try $0.withReadableOperands(tuning) }
    }
}

/// A copy may change where its source is best written, and so what others can read. Each round copies what the one
/// before has made unreadable; more than a few in a row were never seen, and what is left then is refused by the
/// schedule.
private let mostRounds = 4

extension Graph {
    fileprivate func withReadableOperands(_ tuning: Tuning) throws -> Graph {
        var graph = self
        for _ in 0..<mostRounds {
            // As the schedule will have it: what attention has stored decides how its operands are best written.
            let (placement, layout) = Schedule.placed(graph, tuning)
            var sides: [Value: Int] = [:]
            for value in graph.values where placement[value] == .matmul && !graph.usesLibrary(value) {
                let orientation = MatmulOrientation(graph, value, layout)
                guard orientation?.left(graph, value, placement, layout, tuning) == nil else { continue }
                sides[value] = orientation?.leftSide ?? 0
            }
            if sides.isEmpty { break }
            let shared = graph.sharedCopies(sides, placement)
            var copies: [OperandCopy: Tensor] = [:]
            graph = try rebuild(graph) { node, value, operands, builder in
                if shared.contains(value) { return builder.add(node.operation, operands).copied() }
                guard let side = sides[value], let dot = node.operation as? Dot, !shared.contains(node.operands[side])
                else { return nil }
                return dot.copyingOperand(side, operands, &copies)
            }
            graph = try Pass.deadCode.run(graph)
        }
        return graph
    }

    /// Operands that are to be copied as they are, and whose copy is for all who read them, so that what they are
    /// computed from need not be kept: casts of values which would be stored for nobody else, and gathered rows.
    private func sharedCopies(_ sides: [Value: Int], _ placement: Placement) -> Set<Value> {
        let counts = useCounts()
        return Set(
            sides.compactMap { value, side in
                let operand = self[value].operands[side]
                guard let dot = self[value].operation as? Dot, dot.hasRowsInOrder(side, rank: self[operand].type.rank)
                else { return nil }
                if self[operand].operation is Gather { return operand }
                guard self[operand].operation is Cast else { return nil }
                let source = self[operand].operands[0]
                let isOnlyCast = counts[source.index] == 1 && placement.isStored(source) && !self[source].isLeaf
                return isOnlyCast || self[source].operation is Gather ? operand : nil
            })
    }
}

/// A copy of a value in another order of its axes.
private struct OperandCopy: Hashable {
    let source: Value
    let order: [Int]
}

extension Dot {
    /// Batch, free and contracted axes of an operand.
    private func axes(_ side: Int, rank: Int) -> (batch: [Int], free: [Int], contracting: [Int]) {
        side == 0 ? (leftBatch, leftFree(rank), leftContracting) : (rightBatch, rightFree(rank), rightContracting)
    }

    /// Whether the contracted axes of an operand come last already.
    fileprivate func hasRowsInOrder(_ side: Int, rank: Int) -> Bool {
        let (batch, free, contracting) = axes(side, rank: rank)
        return batch + free + contracting == Array(0..<rank)
    }

    /// This matmul with a copy of one operand whose contracted axes come last; matmuls that copy alike share one.
    fileprivate func copyingOperand(_ side: Int, _ operands: [Tensor], _ known: inout [OperandCopy: Tensor]) -> Tensor {
        let x = operands[side], (batch, free, contracting) = axes(side, rank: x.rank),
            order = batch + free + contracting
        let key = OperandCopy(source: x.value, order: order), copy = known[key] ?? x.transpose(order).copied()
        known[key] = copy
        var dot = self, copies = operands
        copies[side] = copy
        let outer = Array(batch.indices), inner = contracting.indices.map { batch.count + free.count + $0 }
        if side == 0 {
            (dot.leftBatch, dot.leftContracting) = (outer, inner)
        } else {
            (dot.rightBatch, dot.rightContracting) = (outer, inner)
        }
        return x.builder.add(dot, copies)
    }
}
