import ApusIR
import ApusRuntime
import ApusTransforms

/// Generated products read one operand where it lies, row by row: the left one, or the right one if their result is written turned round.
struct ProductOrientation {
    let shape: ProductShape
    /// Whether Cᵀ = Bᵀ · Aᵀ is computed, since C's columns are contiguous.
    let isTurned: Bool
    /// Where the result lies, as it is computed.
    let result: Product.Matrix

    /// Nil if the result cannot be written with its strides.
    init?(_ graph: Graph, _ value: Value, _ layout: Layout) {
        shape = ProductShape(graph, value)
        guard let result = shape.result(strides: layout[value].strides) else { return nil }
        isTurned = result.columnStride != 1 && (shape.n > 1 || result.rowStride == 1)
        self.result = isTurned ? result.transposed : result
    }

    /// The operand that is not packed.
    var leftSide: Int { isTurned ? 1 : 0 }

    /// Where that operand lies; nil if its rows are not contiguous in memory.
    func left(_ graph: Graph, _ value: Value, _ placement: Placement, _ layout: Layout) -> (matrix: Product.Matrix, offset: Int, buffer: Int)? {
        let operand = graph[value].operands[leftSide]
        guard let view = graph.view(of: operand, isStored: placement.isStored, storage: { (layout[$0].offset, layout[$0].strides) }),
            var matrix = shape.matrix(leftSide, strides: view.strides)
        else { return nil }
        if isTurned { matrix = matrix.transposed }
        return matrix.columnStride == 1 || shape.k == 1 ? (matrix, view.offset, layout[view.base].buffer) : nil
    }
}

/// Which products of a graph are left to the library, as its values would be placed.
package typealias LibraryProducts = (Graph, Placement, Layout) -> Set<Value>

extension Graph {
    /// The graph in which the left operands of generated products lie in memory row by row: those that do not are copied. Also tells which
    /// of its products are the library's.
    func withReadableOperands(forLibrary: LibraryProducts) throws -> (graph: Graph, libraryProducts: Set<Value>) {
        var graph = self, round = 0
        // A copy may change where its source is best written, and so what others can read; that settles at once or never.
        while true {
            let placement = Placement(graph), layout = Layout(graph, placement, updatedInPlace: [:])
            let libraryProducts = forLibrary(graph, placement, layout)
            let unreadable = graph.values.filter { value in
                guard placement[value] == .product, !libraryProducts.contains(value) else { return false }
                return ProductOrientation(graph, value, layout)?.left(graph, value, placement, layout) == nil
            }
            if unreadable.isEmpty || round == 3 { return (graph, libraryProducts) }
            let sides = Dictionary(uniqueKeysWithValues: unreadable.map { ($0, ProductOrientation(graph, $0, layout)?.leftSide ?? 0) })
            graph = try rebuild(graph) { node, value, operands, builder in
                guard let side = sides[value], let dot = node.operation as? Dot else { return nil }
                return dot.copyingOperand(side, operands)
            }
            graph = try Pipeline([.simplify, .commonSubexpressions, .deadCode]).run(graph)
            round += 1
        }
    }
}

extension Dot {
    /// This product with a copy of one operand whose contracted axes come last.
    fileprivate func copyingOperand(_ side: Int, _ operands: [Tensor]) -> Tensor {
        let x = operands[side], isLeft = side == 0
        let batch = isLeft ? leftBatch : rightBatch, contracting = isLeft ? leftContracting : rightContracting
        let free = isLeft ? leftFree(x.rank) : rightFree(x.rank)
        var dot = self, copies = operands
        copies[side] = x.transpose(batch + free + contracting).copied()
        let axes = Array(batch.indices), inner = contracting.indices.map { batch.count + free.count + $0 }
        if isLeft { (dot.leftBatch, dot.leftContracting) = (axes, inner) } else { (dot.rightBatch, dot.rightContracting) = (axes, inner) }
        return x.builder.add(dot, copies)
    }
}
