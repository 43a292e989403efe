import ApusIR
import ApusLLVM

extension KernelEmitter {
    /// Squares of as many rows and columns as a vector has lanes: read along the last dimension, transposed in
    /// registers, and written along the one before it. Of bf16, a lane holds the elements of two rows.
    func emitTransposed(stripes: Int, parts: Int) {
        emitInvariants()
        let invariant = scalars, rows = kernel.innermost - 1, store = kernel.stores[0]
        let height = kernel.extents[rows], width = kernel.extents[kernel.innermost]
        let stripe = lanes * parts
        builder.loop(from: begin, to: end, step: integer(1)) { unit, _ in
            let first = builder.mul(builder.urem(unit, integer(stripes)), integer(stripe))
            func square(_ column: LLVMValue, count: Int) {
                func lanesOfRow(_ number: Int) -> LLVMValue {
                    var row = builder.add(first, integer(number))
                    if height % stripe != 0 {
                        // Rows beyond the last are not written; they only must not be read.
                        row = builder.select(builder.icmp(.slt, row, integer(height)), row, integer(height - 1))
                    }
                    beginUnit(unit, stripes, row: row, invariant)
                    return withColumn(column, limit: count < lanes ? integer(width) : nil) {
                        parts == 2 ? lanesInBFloat16(store.value) : lanesValue(store.value)
                    }
                }
                let vectors = (0..<lanes).map { number in
                    parts == 2
                        ? builder.bfloat16Pairs(lanesOfRow(2 * number), lanesOfRow(2 * number + 1)) : lanesOfRow(number)
                }
                for (number, vector) in builder.transposedLanes(vectors).prefix(count).enumerated() {
                    beginUnit(unit, stripes, row: first, invariant)
                    indices[kernel.innermost] = builder.add(column, integer(number))
                    let mask =
                        height % stripe == 0
                        ? nil : builder.laneMask(count: builder.sub(integer(height), first), lanes: stripe)
                    let value =
                        parts == 2
                        ? builder.bitcast(vector, module.vector(module.i16, stripe))
                        : memory(vector, kernel.arguments[store.argument])
                    writeContiguous(value, to: store, mask: mask)
                    indices[kernel.innermost] = nil
                }
            }
            let whole = width / lanes * lanes
            builder.loop(from: integer(0), to: integer(whole), step: integer(lanes)) { column, _ in
                square(column, count: lanes)
                return []
            }
            if whole < width { square(integer(whole), count: width - whole) }
            return []
        }
    }

    /// The value of an instruction in the current lanes, as f32 that bf16 holds.
    private func lanesInBFloat16(_ number: Int) -> LLVMValue {
        let value = lanesValue(number)
        return holdsBFloat16(number) ? value : builder.extendBFloat16(builder.roundToBFloat16(value))
    }

    private func beginUnit(_ unit: LLVMValue, _ stripes: Int, row: LLVMValue, _ invariant: [Int: LLVMValue]) {
        scalars = invariant
        setIndices(Array(0..<kernel.innermost - 1), from: builder.udiv(unit, integer(stripes)))
        indices[kernel.innermost - 1] = row
    }
}
