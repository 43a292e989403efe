import ApusIR
import ApusLLVM

/// Attention of many heads, or its gradients, without the matrix of probabilities in memory: each head's is in the
/// thread's own memory, a block of rows at a time.
///
/// All operands are read where they lie; their last axis is contiguous.
package struct AttentionKernel: Hashable {
    /// Where a [rows, columns] matrix of each head lies, in elements.
    package struct Matrix: Hashable {
        package var offset: Int
        package var rowStride: Int
        package var batchStrides: [Int]
    }
    package var batch: [Int]
    /// Rows of the queries, and of keys and values.
    package var n: Int, m: Int
    /// Columns of queries and keys, and of values.
    package var d: Int, e: Int
    package var scale: Double
    package var element: ElementType
    /// Queries, keys and values; for gradients also the gradient of the result.
    package var operands: [Matrix]
    /// What is computed: the result, or gradients of operands.
    package var results: [Result]

    package enum Quantity: Hashable {
        case value
        case gradient(AttentionGradient.Part)
    }
    package struct Result: Hashable {
        package var quantity: Quantity
        package var matrix: Matrix
    }

    /// Whether there is a kernel for an operation: heads must fit into a cache, and bf16 is multiplied in pairs.
    package static func isSupported(_ graph: Graph, _ node: Node, _ tuning: Tuning) -> Bool {
        guard node.operation.kind == .attention, node.type.element == .f32 || node.type.element == .bf16 else {
            return false
        }
        let shapes = node.operands.map { graph[$0].type.shape }, rank = shapes[0].count
        let (d, e, m) = (shapes[0][rank - 1], shapes[2][rank - 1], shapes[1][rank - 2])
        return d <= tuning.widestHead && e <= tuning.widestHead && m <= tuning.mostKeys
            && (node.type.element == .f32 || (d % 2 == 0 && e % 2 == 0))
    }

    package var heads: Int { batch.reduce(1, *) }
    package var isForward: Bool { results.contains { $0.quantity == .value } }
    /// Of all matmuls that are carried out; a gradient computes the scores again.
    package var floatingPointOperations: Int {
        let scores = n * m * d, mixes = n * m * e
        var operations = scores
        for result in results {
            switch result.quantity {
            case .value, .gradient(.values): operations += mixes
            case .gradient: operations += scores
            }
        }
        if results.contains(where: { $0.quantity == .gradient(.queries) || $0.quantity == .gradient(.keys) }) {
            operations += mixes
        }
        return 2 * heads * operations
    }
    package var bytes: Int {
        (operands.indices.map { $0 == 0 ? n * d : $0 == 1 ? m * d : $0 == 2 ? m * e : n * e }
            + results.map { result in
                switch result.quantity {
                case .value: n * e
                case .gradient(.queries): n * d
                case .gradient(.keys): m * d
                case .gradient(.values): m * e
                }
            }).reduce(0, +) * heads * element.byteCount
    }
}

extension AttentionKernel: CustomStringConvertible {
    package var description: String {
        func text(_ matrix: Matrix) -> String {
            "[\(matrix.offset) + \(matrix.rowStride)*row, batch \(matrix.batchStrides)]"
        }
        let names = results.map { result in
            switch result.quantity {
            case .value: "value"
            case .gradient(let part): "gradient of \(part.rawValue)"
            }
        }
        return "attention \(n)x\(m) of \(batch), columns \(d) and \(e), \(element), scale \(scale), operands "
            + operands.map(text).joined(separator: ", ") + "; "
            + zip(names, results).map { "\($0) \(text($1.matrix))" }.joined(separator: ", ")
    }
}

/// How the work on one head is divided, and where in the thread's own memory everything lies, in bytes.
package struct AttentionTiling {
    /// Rows of queries whose probabilities are kept at a time, and of those the rows whose probabilities are computed
    /// together.
    package let rows: Int, strip: Int
    /// Bytes from row to row of probabilities: along the keys, and, transposed, along the queries.
    package let probabilityRowBytes: Int, transposedRowBytes: Int
    /// Packed operands.
    package let keys: Int, values: Int, straightKeys: Int, queries: Int, seeds: Int
    /// Probabilities, the gradients of the scores of the same size, and either of them transposed.
    package let probabilities: Int, scoreGradients: Int, transposed: Int
    /// For each row of a strip the largest score, one over the sum of exponentials, and rowsum(P ∘ D).
    package let rowMaximum: Int, inverseSum: Int, means: Int
    /// Sums of a matmul with values, keys, queries or seeds.
    package let sums: Int
    /// Sums of gradients over blocks of queries.
    package let keySums: Int, valueSums: Int
    package let scratchBytes: Int

    package init(_ kernel: AttentionKernel, _ target: TargetDescription, _ tuning: Tuning) {
        let lanes = target.lanes(), columns = 2 * lanes
        let strip = MatmulTiling.rows(kernel.n, vectors: 2, target)
        // Forward, nothing is carried from one strip to the next; the gradients of keys and values are sums over all of
        // them.
        let passes = (kernel.n + tuning.attentionRows - 1) / tuning.attentionRows
        let rows = kernel.isForward ? strip : (kernel.n + passes - 1) / passes
        func padded(_ count: Int, _ multiple: Int) -> Int { (count + multiple - 1) / multiple * multiple }
        // A cache line more than a power of two keeps rows out of each other's way.
        probabilityRowBytes = padded(kernel.m, columns) * 4 + tuning.lineBytes
        transposedRowBytes = padded(rows, columns) * 4 + tuning.lineBytes
        self.rows = rows
        self.strip = strip

        var end = 0
        func take(_ isNeeded: Bool, _ bytes: Int) -> Int {
            defer { end += isNeeded ? padded(bytes, 64) : 0 }
            return end
        }
        func packed(_ k: Int, _ n: Int) -> Int { padded(n, columns) * (kernel.element == .bf16 ? (k + 1) / 2 : k) * 4 }
        func wants(_ part: AttentionGradient.Part) -> Bool {
            kernel.results.contains { $0.quantity == .gradient(part) }
        }
        let (q, k, v) = (wants(.queries), wants(.keys), wants(.values)), isForward = kernel.isForward
        keys = take(true, packed(kernel.d, kernel.m))
        values = take(isForward || q || k, isForward ? packed(kernel.m, kernel.e) : packed(kernel.e, kernel.m))
        straightKeys = take(q, packed(kernel.m, kernel.d))
        queries = take(k, packed(rows, kernel.d))
        seeds = take(v, packed(rows, kernel.e))
        probabilities = take(true, rows * probabilityRowBytes)
        scoreGradients = take(q || k, rows * probabilityRowBytes)
        transposed = take(k || v, padded(kernel.m, lanes) * transposedRowBytes)
        rowMaximum = take(true, strip * 4)
        inverseSum = take(true, strip * 4)
        means = take(q || k, strip * 4)
        let sumRows = k || v ? max(rows, kernel.m) : rows
        sums = take(true, sumRows * max(padded(kernel.d, columns), padded(kernel.e, columns)) * 4)
        keySums = take(k && passes > 1, kernel.m * padded(kernel.d, columns) * 4)
        valueSums = take(v && passes > 1, kernel.m * padded(kernel.e, columns) * 4)
        scratchBytes = end
    }
}
