import ApusIR
import ApusLLVM

/// Gradients of keys and values in tile registers.
///
/// Pairs of rows of probabilities lie as tile registers read a right operand, [queries, keys]. So the product along the
/// queries is the turned one: columns of seeds or of queries times probabilities, [columns, keys].
extension AttentionEmitter {
    /// Writes zeros in rows behind the last, up to the end of a step.
    func clearRows(_ matrix: LLVMValue, from rows: Int, _ strip: Strip) {
        let first = (rows + rowsPerUnit - 1) / rowsPerUnit * rowsPerUnit
        for row in stride(from: first, to: paddedRows(rows), by: rowsPerUnit) {
            let end = strip.keys.used ?? integer(strip.keys.count)
            clear(line(matrix, integer(row)), bytes: builder.mul(end, integer(4)))
        }
    }

    private func paddedRows(_ rows: Int) -> Int {
        let step = rowsPerUnit * TileShape.mostUnits
        return (rows + step - 1) / step * step
    }

    /// Makes the columns of some rows of queries or seeds rows of pairs, of which those beyond the last row are zeros.
    func turnRows(_ number: Int, from first: LLVMValue, _ rows: Int, _ head: LLVMValue, at offset: Int) {
        let values = values(row(number, first, head), number), columns = number == 0 ? kernel.d : kernel.e
        let limit = columns % lanes == 0 ? nil : integer(columns), step = rowsPerUnit * lanes
        builder.loop(from: integer(0), to: integer(columns), step: integer(lanes)) { column, _ in
            let target = builder.offset(
                scratch(offset), bytes: builder.mul(column, integer(tiling.turnedRowBytes)))
            func turn(_ row: LLVMValue, count: Int) {
                let pairs = (0..<lanes).map { number in
                    let pair = (0..<rowsPerUnit).map { part in
                        let place = number * rowsPerUnit + part
                        return place < count
                            ? values(builder.add(row, integer(place)), column, limit) : builder.zero(sumType)
                    }
                    return builder.bfloat16Pairs(pair[0], pair[1])
                }
                for (line, pairs) in builder.transposedLanes(pairs).enumerated() {
                    let place = builder.add(
                        builder.mul(row, integer(4 / rowsPerUnit)), integer(line * tiling.turnedRowBytes))
                    builder.store(pairs, target, byteOffset: place, align: block.vectorBytes)
                }
            }
            builder.loop(from: integer(0), to: integer(rows / step * step), step: integer(step)) { row, _ in
                turn(row, count: step)
                return []
            }
            if rows % step > 0 { turn(integer(rows / step * step), count: rows % step) }
            return []
        }
    }

    /// The product of turned rows with a block of queries, of its probabilities or gradients of the scores: added to
    /// the sums of earlier blocks, if there are any.
    func addUpTurned(_ matrix: LLVMValue, _ left: LLVMValue, rows: Int, _ keys: Keys, into sums: Sums) {
        var block = block
        block.distanceOfUnits = rowsPerUnit * tiling.probabilityRowBytes
        forBlocks(of: sums.columns, height: TileSteps.rows(sums.columns)) { first, count in
            let lines = builder.offset(left, bytes: builder.mul(first, integer(tiling.turnedRowBytes)))
            let end = keys.used ?? integer(keys.count)
            builder.loop(from: integer(0), to: end, step: integer(block.columns)) { key, _ in
                let place = builder.mul(key, integer(4))
                block.multiply(
                    rows: count, left: lines, rowBytes: tiling.turnedRowBytes,
                    packed: builder.offset(matrix, bytes: place), units: paddedRows(rows) / rowsPerUnit,
                    into: builder.offset(sums.row(first, builder), bytes: place), targetRowBytes: sums.rowBytes,
                    isAdding: tiling.addsUp)
                return []
            }
        }
    }

    /// Writes turned sums to rows of a gradient, in squares.
    func writeTurned(_ sums: Sums, rows: Int, to target: LLVMValue, _ matrix: AttentionKernel.Matrix) {
        let bytes = kernel.element.byteCount
        builder.loop(from: integer(0), to: integer(sums.columns), step: integer(lanes)) { column, _ in
            func write(_ row: LLVMValue, count: Int) {
                let lines = sums.row(column, builder)
                let square = (0..<lanes).map { line in
                    load(builder.offset(lines, bytes: integer(line * sums.rowBytes)), row)
                }
                for (number, values) in builder.transposedLanes(square).prefix(count).enumerated() {
                    let start = builder.mul(builder.add(row, integer(number)), integer(matrix.rowStride))
                    let place = builder.mul(builder.add(start, column), integer(bytes))
                    let rounded = builder.roundToBFloat16(values)
                    if sums.columns % lanes == 0 {
                        builder.store(rounded, target, byteOffset: place)
                    } else {
                        let left = builder.sub(integer(sums.columns), column)
                        builder.maskedStore(
                            rounded, target, byteOffset: place, mask: builder.laneMask(count: left, lanes: lanes))
                    }
                }
            }
            builder.loop(from: integer(0), to: integer(rows / lanes * lanes), step: integer(lanes)) { row, _ in
                write(row, count: lanes)
                return []
            }
            if rows % lanes > 0 { write(integer(rows / lanes * lanes), count: rows % lanes) }
            return []
        }
    }
}
