import ApusIR
import ApusRuntime

/// Products of one kind, told apart as far as their speed is: of larger ones, a part is measured.
package struct MeasuredShape: Hashable, CustomStringConvertible {
    package let m: Int, n: Int, k: Int
    /// Whether the right operand lies in memory along the contracted axis. The left one is taken to do so too:
    /// generated kernels read a copy of it otherwise, and the library packs it in either case.
    package let isRightTurned: Bool

    /// Many rows are like more rows. Columns and the contracted axis matter more, since they decide what fits into the
    /// caches.
    private static let mostRows = 384, mostColumns = 768, mostContracted = 4096
    /// Elements of the right operand that are enough, unless it has very few columns then.
    private static let rightElements = 1 << 20, fewestColumns = 256

    package init(m: Int, n: Int, k: Int, isRightTurned: Bool) {
        self.k = min(Self.rounded(k), Self.mostContracted)
        self.m = min(m, Self.mostRows)
        let columns = Self.rightElements / max(1, self.k) / 64 * 64
        self.n = min(n, Self.mostColumns, max(Self.fewestColumns, columns))
        self.isRightTurned = isRightTurned
    }

    /// Long extents are rounded down to a power of two, or one and a half of it.
    private static func rounded(_ extent: Int) -> Int {
        guard extent >= fewestColumns else { return extent }
        let power = 1 << (Int.bitWidth - 1 - extent.leadingZeroBitCount)
        return extent >= power / 2 * 3 ? power / 2 * 3 : power
    }

    /// Nil for what need not be measured: small products, and those that are not two matrices in memory.
    init?(_ graph: Graph, _ value: Value, _ layout: Layout, _ placement: Placement) {
        guard let orientation = ProductOrientation(graph, value, layout) else { return nil }
        let shape = orientation.shape, side = 1 - orientation.leftSide
        let multiplications = ([shape.m, shape.n, shape.k] + shape.batch).reduce(1, *)
        guard 2 * multiplications >= ProductChoice.smallest else { return nil }
        let operand = graph[value].operands[side]
        // What is computed inside the product is stored row by row, if it is stored.
        let view = graph.view(
            of: operand, isStored: placement.isStored, storage: { (layout[$0].offset, layout[$0].strides) })
        guard let matrix = shape.matrix(side, strides: view?.strides ?? rowMajorStrides(graph[operand].type.shape))
        else { return nil }
        let (m, n) = orientation.isTurned ? (shape.n, shape.m) : (shape.m, shape.n)
        self.init(
            m: m, n: n, k: shape.k, isRightTurned: (orientation.isTurned ? matrix.transposed : matrix).columnStride != 1
        )
    }

    package var description: String { "\(m)x\(n)x\(k)\(isRightTurned ? " turned" : "")" }
}

extension Graph {
    /// Whether the library can compute a product.
    func isLibraryProduct(_ value: Value) -> Bool {
        self[value].operation is Dot && self[value].type.element == .f32
            && self[value].operands.allSatisfy { self[$0].type.element == .f32 }
    }
}
