import ApusIR
import ApusRuntime

/// Matmuls of one kind, told apart as far as their speed is: of larger ones, a part is measured.
package struct MeasuredShape: Hashable, CustomStringConvertible {
    package let m: Int, n: Int, k: Int
    /// Whether the right operand lies in memory along the contracted axis. The left one is taken to do so too:
    /// generated kernels read a copy of it otherwise, and the library packs it in either case.
    package let isRightTransposed: Bool

    /// Many rows are like more rows. Columns and the contracted axis matter more, since they decide what fits into the
    /// caches.
    private static let mostRows = 384, mostColumns = 768, mostContracted = 4096
    /// Elements of the right operand that are enough, unless it has very few columns then.
    private static let rightElements = 1 << 20, fewestColumns = 256

    package init(m: Int, n: Int, k: Int, isRightTransposed: Bool) {
        self.k = min(Self.rounded(k), Self.mostContracted)
        self.m = min(m, Self.mostRows)
        let columns = Self.rightElements / max(1, self.k) / 64 * 64
        self.n = min(n, Self.mostColumns, max(Self.fewestColumns, columns))
        self.isRightTransposed = isRightTransposed
    }

    /// Long extents are rounded down to a power of two, or one and a half of it.
    private static func rounded(_ extent: Int) -> Int {
        guard extent >= fewestColumns else { return extent }
        let power = 1 << (Int.bitWidth - 1 - extent.leadingZeroBitCount)
        return extent >= power / 2 * 3 ? power / 2 * 3 : power
    }

    /// Nil for matmuls that are too small to be worth a question.
    package init?(_ graph: Graph, _ value: Value, smallest: Int) {
        guard let dot = graph[value].operation as? Dot else { return nil }
        let shape = MatmulShape(graph, value), right = graph[graph[value].operands[1]].type.shape
        guard 2 * ([shape.m, shape.n, shape.k] + shape.batch).reduce(1, *) >= smallest else { return nil }
        let innermost = right.indices.last { right[$0] > 1 }
        self.init(
            m: shape.m, n: shape.n, k: shape.k,
            isRightTransposed: innermost.map(dot.rightContracting.contains) ?? false)
    }

    /// Floating-point operations of one such matmul.
    var operations: Int { 2 * m * n * k }

    package var description: String { "\(m)x\(n)x\(k)\(isRightTransposed ? " transposed" : "")" }
}
