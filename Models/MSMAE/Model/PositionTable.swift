/// Resizes a position table to another grid of patches, as MAE's `interpolate_pos_embed` does: bicubic, corners not
/// aligned.
///
/// The table [1 + fromGrid², dim] begins with the class token's row, which is kept; so does the result [1 + toGrid²,
/// dim]. The cubic has PyTorch's constant a = −0.75 (Keys 1981, equation 4), and reads the table's edge where it
/// reaches beyond.
package func positionTable(resizing table: [Float], fromGrid: Int, toGrid: Int, dim: Int) -> [Float] {
    precondition(table.count == (1 + fromGrid * fromGrid) * dim, "the table has the rows of its grid")
    guard fromGrid != toGrid else { return table }
    let taps = (0..<toGrid).map {
        cubicTaps(at: (Double($0) + 0.5) * Double(fromGrid) / Double(toGrid) - 0.5, count: fromGrid)
    }
    var result = Array(table.prefix(dim))
    result.reserveCapacity((1 + toGrid * toGrid) * dim)
    for rows in taps {
        for columns in taps {
            var sum = [Double](repeating: 0, count: dim)
            for row in rows {
                for column in columns {
                    let start = (1 + row.index * fromGrid + column.index) * dim
                    for element in 0..<dim {
                        sum[element] += row.weight * column.weight * Double(table[start + element])
                    }
                }
            }
            result += sum.map { Float($0) }
        }
    }
    return result
}

/// The four neighbours of a place among `count` rows, with their weights.
private func cubicTaps(at place: Double, count: Int) -> [(index: Int, weight: Double)] {
    let a = -0.75, first = place.rounded(.down)
    return (-1...2).map { offset in
        let x = abs(place - first - Double(offset))
        let weight = x <= 1 ? ((a + 2) * x - (a + 3)) * x * x + 1 : ((x - 5) * x + 8) * a * x - 4 * a
        return (min(max(Int(first) + offset, 0), count - 1), weight)
    }
}
