/// A constant sparse matrix that makes rows of other rows: each result is a weighted sum of a few of them.
///
/// Sums of gathered rows are computed where they are read or stored, without the matrix being there. The transposed
/// matrix, which the gradient needs, gathers too: nothing is scattered.
struct RowMixing {
    /// Most rows that there may be; the tables of indices are kept with the graph.
    static let largest = 1 << 16

    struct Term {
        var row: Int
        var weight: Double
    }

    /// The terms of each row of the result, in row-major order of `shape`.
    let terms: [[Term]]
    /// The axes that the rows of the result stand for.
    let shape: [Int]

    /// The rows of an interpolation; in integers, so that positions which fall on a row do so exactly.
    static func interpolation(from count: Int, to size: Int, _ rule: Interpolation.Rule) -> RowMixing {
        /// Linearly at the place `numerator` / `denominator`.
        func linear(_ numerator: Int, _ denominator: Int) -> [Term] {
            let place = min(max(numerator, 0), (count - 1) * denominator)
            let row = place / denominator, share = Double(place % denominator) / Double(denominator)
            return share == 0
                ? [Term(row: row, weight: 1)] : [Term(row: row, weight: 1 - share), Term(row: row + 1, weight: share)]
        }
        let terms = (0..<size).map { index -> [Term] in
            switch rule {
            case .alignedCorners: return linear(index * (count - 1), max(size - 1, 1))
            case .pixelCentres: return linear((2 * index + 1) * count - size, 2 * size)
            case .nearest: return [Term(row: Interpolation.nearest(index, of: size, extent: count), weight: 1)]
            case .average:
                let rows = Interpolation.part(index, of: size, extent: count)
                return rows.map { Term(row: $0, weight: 1 / Double(rows.count)) }
            }
        }
        return RowMixing(terms: terms, shape: [size])
    }

    /// The rows `offset` further on; beyond the ends there is nothing.
    func shifted(by offset: Int) -> RowMixing {
        RowMixing(
            terms: terms.indices.map { terms.indices.contains($0 + offset) ? terms[$0 + offset] : [] }, shape: shape)
    }

    /// The transposed matrix, whose results are `rows` rows.
    func transposed(rows: Int) -> RowMixing { Self.transposed([self], rows: rows, shape: [rows]) }

    /// The transposed matrices of several side by side: for each of `rows` rows a result for each matrix.
    static func transposed(_ matrices: [RowMixing], rows: Int) -> RowMixing {
        transposed(matrices, rows: rows, shape: [rows, matrices.count])
    }

    private static func transposed(_ matrices: [RowMixing], rows: Int, shape: [Int]) -> RowMixing {
        var terms = [[Term]](repeating: [], count: rows * matrices.count)
        for (number, matrix) in matrices.enumerated() {
            for (result, sum) in matrix.terms.enumerated() {
                for term in sum {
                    terms[term.row * matrices.count + number].append(Term(row: result, weight: term.weight))
                }
            }
        }
        return RowMixing(terms: terms, shape: shape)
    }
}

extension Tensor {
    /// Weighted sums of rows: [rows, rest...] -> [shape of the mixing..., rest...].
    func mixed(_ mixing: RowMixing) -> Tensor {
        let count = max(mixing.terms.map(\.count).max() ?? 0, 1)
        let sums = (0..<count).map { number -> Tensor in
            // Where there are fewer terms, the row before is taken with a weight of 0: it is at hand.
            var nearest = 0
            let chosen = mixing.terms.map { sum -> RowMixing.Term in
                if let last = sum.last { nearest = last.row }
                return sum.indices.contains(number) ? sum[number] : RowMixing.Term(row: nearest, weight: 0)
            }
            let indices = builder.add(
                Constant(TensorType(.i32, mixing.shape), values: chosen.map { Double($0.row) }), [])
            let rows = gather(self, indices)
            guard !chosen.allSatisfy({ $0.weight == 1 }) else { return rows }
            let weights = builder.add(Constant(TensorType(element, mixing.shape), values: chosen.map(\.weight)), [])
            return rows * builder.add(Broadcast(shape: rows.shape, axes: Array(mixing.shape.indices)), [weights])
        }
        return sums.dropFirst().reduce(sums[0]) { $0 + $1 }
    }
}
