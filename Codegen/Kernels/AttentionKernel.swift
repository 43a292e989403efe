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
    /// A mask [rows of queries, rows of keys] of each head; where it is repeated, its strides are 0.
    package struct Mask: Hashable {
        package var element: ElementType
        package var matrix: Matrix
        package var columnStride: Int
    }
    /// Dropout of probabilities. Its key, i32[2], and its stream, i32[1], are arguments behind the mask, so that the
    /// attentions of all layers are one kernel.
    package struct Dropout: Hashable {
        package var threshold: Double, factor: Double
        /// Where the key lies, in elements.
        package var keyOffset: Int
    }
    package var batch: [Int]
    /// Rows of the queries, and of keys and values.
    package var n: Int, m: Int
    /// Columns of queries and keys, and of values.
    package var d: Int, e: Int
    package var scale: Double
    package var isCausal: Bool
    package var element: ElementType
    /// Queries, keys and values; for gradients also the gradient of the result, and the result.
    package var operands: [Matrix]
    /// For gradients, the log-sum of each query, in f32.
    package var logSums: Matrix?
    package var mask: Mask?
    package var dropout: Dropout?
    /// What is computed: the result and its log-sums, or gradients of operands.
    package var results: [Result]

    package enum Quantity: Hashable {
        case value, logSum
        case gradient(AttentionGradient.Part)
    }
    package struct Result: Hashable {
        package var quantity: Quantity
        package var matrix: Matrix
    }

    /// Whether there is a kernel for an operation: a few columns must fit into registers and caches, bf16 is multiplied
    /// in pairs, and the gradient of a mask is a matrix that has to be stored.
    package static func isSupported(_ graph: Graph, _ node: Node, _ tuning: Tuning) -> Bool {
        node.operation.kind == .attention && obstacle(graph, node, tuning) == nil
    }

    /// Why there is no kernel for attention, whose matrix of probabilities is then stored; nil where there is one, and
    /// for other operations.
    package static func obstacle(_ graph: Graph, _ node: Node, _ tuning: Tuning) -> String? {
        guard node.operation.kind == .attention else { return nil }
        let shapes = node.operands.map { graph[$0].type.shape }, rank = shapes[0].count
        let element = graph[node.operands[0]].type.element
        let widths = [shapes[0][rank - 1], shapes[2][rank - 1]], isStored = "the matrix of probabilities is stored"
        guard element == .f32 || element == .bf16 else {
            return "attention of \(element) has no kernel: \(isStored)"
        }
        if let wide = widths.max(), wide > tuning.widestHead {
            return "attention has no kernel for heads of \(wide) columns, more than \(tuning.widestHead): \(isStored)"
        }
        if element == .bf16, let odd = widths.first(where: { $0 % 2 != 0 }) {
            return
                "attention has no kernel for heads of \(odd) columns in bf16, which is multiplied in pairs: \(isStored)"
        }
        return (node.operation as? AttentionGradient)?.part == .mask
            ? "the gradient of attention's mask is a matrix, which is stored" : nil
    }

    package var heads: Int { batch.reduce(1, *) }
    package var isForward: Bool { results.contains { $0.quantity == .value || $0.quantity == .logSum } }
    /// Tensors that are read: operands, log-sums, the mask, and the key and the stream of dropout.
    package var readCount: Int { keyArgument + (dropout == nil ? 0 : 2) }
    var logSumArgument: Int { operands.count }
    var maskArgument: Int { operands.count + (logSums == nil ? 0 : 1) }
    var keyArgument: Int { maskArgument + (mask == nil ? 0 : 1) }
    /// The number of a result, if it is wanted.
    func number(of quantity: Quantity) -> Int? { results.firstIndex { $0.quantity == quantity } }
    /// Of all matmuls that are carried out; a gradient computes the scores again.
    package var floatingPointOperations: Int {
        // Of the keys behind a query none are multiplied.
        let pairs = isCausal ? n * m - min(n, m) * (min(n, m) - 1) / 2 - max(0, m - n) * n : n * m
        let scores = pairs * d, mixes = pairs * e
        var operations = scores
        for result in results {
            switch result.quantity {
            case .value, .gradient(.values): operations += mixes
            case .gradient: operations += scores
            case .logSum: break
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
                case .logSum: n
                case .gradient(.queries): n * d
                case .gradient(.keys): m * d
                case .gradient(.values): m * e
                case .gradient(.mask): n * m
                }
            }).reduce(0, +) * heads * element.byteCount
            + (mask.map { $0.element.byteCount * ($0.matrix.rowStride == 0 ? 1 : n) * m } ?? 0)
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
            case .logSum: "log-sums"
            case .gradient(let part): "gradient of \(part.rawValue)"
            }
        }
        let masks =
            (isCausal ? ", causal" : "")
            + (dropout.map { ", dropout below \($0.threshold) times \($0.factor), key [\($0.keyOffset)]" } ?? "")
            + (mask.map { ", mask \($0.element) \(text($0.matrix)), by \($0.columnStride)" } ?? "")
        return
            "attention \(n)x\(m) of \(batch), columns \(d) and \(e), \(element), scale \(scale)\(masks), operands "
            + operands.map(text).joined(separator: ", ") + (logSums.map { ", log-sums \(text($0))" } ?? "") + "; "
            + zip(names, results).map { "\($0) \(text($1.matrix))" }.joined(separator: ", ")
    }
}
