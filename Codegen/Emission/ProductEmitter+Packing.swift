import ApusIR
import ApusLLVM

extension ProductEmitter {
    /// Packs the columns of a tile: for each register block of columns, for each step of the contracted axis, the factors side by side.
    func pack(_ matrix: LLVMValue, from column: LLVMValue, blocks: LLVMValue) {
        let invariant = right.scalars
        if kernel.turnsRight {
            packTurned(matrix, column, blocks)
        } else {
            packStraight(matrix, column, blocks)
        }
        right.scalars = invariant
    }

    private var isRagged: Bool { kernel.n % tiling.blockColumns != 0 }

    private func offset(_ block: LLVMValue, unit: LLVMValue, vector: Int) -> LLVMValue {
        let row = builder.add(builder.mul(unit, integer(tiling.vectors)), integer(vector))
        return builder.add(packedOffset(block), builder.mul(row, integer(tiling.lanes * 4)))
    }

    /// Neighbouring columns of B are neighbours in memory: row by row, since whole rows are read fastest.
    private func packStraight(_ matrix: LLVMValue, _ column: LLVMValue, _ blocks: LLVMValue) {
        let invariant = right.scalars, perUnit = kernel.element == .bf16 ? 2 : 1
        let firstRow = builder.mul(matrix, integer(kernel.k))
        builder.loop(from: integer(0), to: integer(kernel.units), step: integer(1)) { unit, _ in
            builder.loop(from: integer(0), to: blocks, step: integer(1)) { block, _ in
                let start = builder.add(column, builder.mul(block, integer(tiling.blockColumns)))
                let parts = (0..<perUnit).map { part in
                    right.beginRow(builder.add(firstRow, builder.add(builder.mul(unit, integer(perUnit)), integer(part))), invariant: invariant)
                    return (0..<tiling.vectors).map { vector in
                        right.withColumn(builder.add(start, integer(vector * tiling.lanes)), limit: isRagged ? integer(kernel.n) : nil) {
                            right.lanesValue(kernel.rightValue)
                        }
                    }
                }
                for vector in 0..<tiling.vectors {
                    let factor = perUnit == 2 ? builder.bfloat16Pairs(parts[0][vector], parts[1][vector]) : parts[0][vector]
                    builder.store(factor, right.scratch, byteOffset: offset(block, unit: unit, vector: vector), align: tiling.lanes * 4)
                }
                return []
            }
            return []
        }
    }

    /// Neighbouring rows of B are neighbours in memory: squares of as many columns as a vector has lanes are read column by
    /// column and turned round in registers.
    private func packTurned(_ matrix: LLVMValue, _ column: LLVMValue, _ blocks: LLVMValue) {
        let lanes = tiling.lanes, whole = kernel.units / lanes * lanes
        builder.loop(from: integer(0), to: blocks, step: integer(1)) { block, _ in
            for vector in 0..<tiling.vectors {
                let first = builder.add(column, builder.add(builder.mul(block, integer(tiling.blockColumns)), integer(vector * lanes)))
                builder.loop(from: integer(0), to: integer(whole), step: integer(lanes)) { unit, _ in
                    packSquare(matrix, first, unit, count: lanes, block, vector)
                    return []
                }
                if whole < kernel.units { packSquare(matrix, first, integer(whole), count: kernel.units - whole, block, vector) }
            }
            return []
        }
    }

    private func packSquare(_ matrix: LLVMValue, _ first: LLVMValue, _ unit: LLVMValue, count: Int, _ block: LLVMValue, _ vector: Int) {
        let invariant = right.scalars, lanes = tiling.lanes
        let limit = count < lanes ? integer(kernel.k) : nil
        let firstRow = builder.mul(matrix, integer(kernel.n))
        let columns = (0..<lanes).map { number in
            var column = builder.add(first, integer(number))
            if isRagged {
                // Columns beyond the last are never stored; they only must not be read.
                column = builder.select(builder.icmp(.slt, column, integer(kernel.n)), column, integer(kernel.n - 1))
            }
            right.beginRow(builder.add(firstRow, column), invariant: invariant)
            func values(_ start: LLVMValue) -> LLVMValue { right.withColumn(start, limit: limit) { right.lanesValue(kernel.rightValue) } }
            guard kernel.element == .bf16 else { return values(unit) }
            let start = builder.mul(unit, integer(2))
            return builder.bfloat16Neighbours(values(start), values(builder.add(start, integer(lanes))))
        }
        right.scalars = invariant
        for (number, factor) in builder.turned(columns).prefix(count).enumerated() {
            let place = offset(block, unit: builder.add(unit, integer(number)), vector: vector)
            builder.store(factor, right.scratch, byteOffset: place, align: lanes * 4)
        }
    }
}

extension Builder {
    /// Rows of a square become its columns; as many vectors as each has lanes.
    func turned(_ rows: [LLVMValue]) -> [LLVMValue] {
        var rows = rows
        let lanes = rows.count
        var distance = 1
        while distance < lanes {
            for number in 0..<lanes where number & distance == 0 {
                let (upper, lower) = (rows[number], rows[number + distance])
                rows[number] = shuffle(upper, lower, (0..<lanes).map { $0 & distance == 0 ? $0 : lanes + $0 - distance })
                rows[number + distance] = shuffle(upper, lower, (0..<lanes).map { $0 & distance == 0 ? $0 + distance : lanes + $0 })
            }
            distance *= 2
        }
        return rows
    }

    // MARK: bfloat16 factors; the numbers given are f32 that bf16 holds exactly

    /// Pairs of the numbers at the same lane: the first in the lower half.
    func bfloat16Pairs(_ first: LLVMValue, _ second: LLVMValue) -> LLVMValue {
        let type = module.vector(module.i32, first.type.lanes)
        let upper = and(bitcast(second, type), int(-65536, type))
        return or(lshr(bitcast(first, type), int(16, type)), upper)
    }

    /// Pairs of neighbouring lanes of two vectors that follow each other.
    func bfloat16Neighbours(_ a: LLVMValue, _ b: LLVMValue) -> LLVMValue {
        let lanes = a.type.lanes
        guard lanes > 1 else { return bfloat16Pairs(a, b) }
        let even = (0..<lanes).map { 2 * $0 }
        return bfloat16Pairs(shuffle(a, b, even), shuffle(a, b, even.map { $0 + 1 }))
    }

    /// sum + a · b; of bf16 pairs the sum of both products.
    func multiplyAdd(_ element: ElementType, _ a: LLVMValue, _ b: LLVMValue, _ sum: LLVMValue) -> LLVMValue {
        guard element == .bf16 else { return fma(a, b, sum) }
        if module.target.hasBFloat16DotProduct, a.type.lanes == 16 { return dotBFloat16(a, b, sum) }
        func upper(_ x: LLVMValue) -> LLVMValue { bitcast(and(x, int(-65536, x.type)), sum.type) }
        func lower(_ x: LLVMValue) -> LLVMValue { bitcast(shl(x, int(16, x.type)), sum.type) }
        // Products of bf16 are exact in f32, so it does not matter whether they are contracted.
        return fma(lower(a), lower(b), fma(upper(a), upper(b), sum))
    }
}
