import ApusIR
import ApusLLVM

extension KernelEmitter {
    /// Stripes, as wide as a vector, of the dimension along which a turned kernel writes.
    static func stripes(_ kernel: LoopKernel, lanes: Int) -> Int { (kernel.extents[kernel.innermost - 1] + lanes - 1) / lanes }

    /// Squares of as many rows and columns as a vector has lanes: read along the last dimension, turned round in registers, and
    /// written along the one before it.
    func emitTurned() {
        emitInvariants()
        let invariant = scalars, rows = kernel.innermost - 1
        let height = kernel.extents[rows], width = kernel.extents[kernel.innermost]
        let stripes = Self.stripes(kernel, lanes: lanes)
        builder.loop(from: begin, to: end, step: integer(1)) { unit, _ in
            let first = builder.mul(builder.urem(unit, integer(stripes)), integer(lanes))
            func square(_ column: LLVMValue, count: Int) {
                let vectors = (0..<lanes).map { number in
                    var row = builder.add(first, integer(number))
                    if height % lanes != 0 {
                        // Rows beyond the last are not written; they only must not be read.
                        row = builder.select(builder.icmp(.slt, row, integer(height)), row, integer(height - 1))
                    }
                    beginUnit(unit, stripes, row: row, invariant)
                    return withColumn(column, limit: count < lanes ? integer(width) : nil) { lanesValue(kernel.stores[0].value) }
                }
                for (number, vector) in builder.turned(vectors).prefix(count).enumerated() {
                    beginUnit(unit, stripes, row: first, invariant)
                    indices[kernel.innermost] = builder.add(column, integer(number))
                    let mask = height % lanes == 0 ? nil : builder.laneMask(count: builder.sub(integer(height), first), lanes: lanes)
                    writeContiguous(vector, to: kernel.stores[0], mask: mask)
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

    private func beginUnit(_ unit: LLVMValue, _ stripes: Int, row: LLVMValue, _ invariant: [Int: LLVMValue]) {
        scalars = invariant
        setIndices(Array(0..<kernel.innermost - 1), from: builder.udiv(unit, integer(stripes)))
        indices[kernel.innermost - 1] = row
    }
}
