import ApusIR
import ApusLLVM

/// Packs the right operand [k, n] of matmuls for register blocks: block by block of columns, unit by unit of the
/// contracted axis, the factors of the block's columns side by side.
struct Packing {
    let block: RegisterBlock
    let k: Int, n: Int

    /// The operand's values, as f32, along one of its axes: those of row (or column) `line`, from `start` on; beyond
    /// `limit` there is nothing to read.
    typealias Values = (_ line: LLVMValue, _ start: LLVMValue, _ limit: LLVMValue?) -> LLVMValue

    /// How many units earlier rows are asked for than packed.
    let rowsAhead: Int

    var units: Int { block.units(k) }
    /// Blocks of columns.
    var blocks: Int { (n + block.columns - 1) / block.columns }
    var blockBytes: Int { units * block.unitBytes }
    private var builder: Builder { block.builder }
    private var lanes: Int { block.lanes }
    private var isRagged: Bool { n % block.columns != 0 }
    private func integer(_ value: Int) -> LLVMValue { builder.int(value, builder.module.i64) }

    private func place(_ number: LLVMValue, unit: LLVMValue, vector: Int) -> LLVMValue {
        let row = builder.add(builder.mul(unit, integer(block.vectors)), integer(vector))
        return builder.add(builder.mul(number, integer(blockBytes)), builder.mul(row, integer(block.vectorBytes)))
    }

    /// Packs `blocks` blocks of columns, beginning at `column`, from values along rows: for memory in which
    /// neighbouring columns are neighbours. Row by row, since whole rows are read fastest; `prefetch` asks for the
    /// columns of a row that is packed some rows later: a tile has but a few lines of each row, which no processor
    /// foresees.
    func packRows(
        into memory: LLVMValue, from column: LLVMValue, blocks: LLVMValue, _ values: @escaping Values,
        prefetch: @escaping (_ line: LLVMValue, _ start: LLVMValue) -> Void = { _, _ in }
    ) {
        func packUnit(_ unit: LLVMValue, parts count: Int) {
            builder.loop(from: integer(0), to: blocks, step: integer(1)) { number, _ in
                let start = builder.add(column, builder.mul(number, integer(block.columns)))
                for vector in 0..<block.vectors {
                    for part in 0..<count {
                        let ahead = builder.add(unit, integer(rowsAhead))
                        let line = element == .bf16 ? builder.add(builder.mul(ahead, integer(2)), integer(part)) : ahead
                        prefetch(line, builder.add(start, integer(vector * lanes)))
                    }
                    let parts = (0..<count).map { part in
                        let row = element == .bf16 ? builder.add(builder.mul(unit, integer(2)), integer(part)) : unit
                        return values(row, builder.add(start, integer(vector * lanes)), isRagged ? integer(n) : nil)
                    }
                    let factors =
                        element == .bf16
                        ? builder.bfloat16Pairs(parts[0], count > 1 ? parts[1] : builder.zero(parts[0].type)) : parts[0]
                    builder.store(
                        factors, memory, byteOffset: place(number, unit: unit, vector: vector), align: block.vectorBytes
                    )
                }
                return []
            }
        }
        let whole = element == .bf16 ? k / 2 : k
        builder.loop(from: integer(0), to: integer(whole), step: integer(1)) { unit, _ in
            packUnit(unit, parts: element == .bf16 ? 2 : 1)
            return []
        }
        // An odd row of bf16 makes pairs with zeros.
        if whole < units { packUnit(integer(whole), parts: 1) }
    }

    private var element: ElementType { block.element }

    /// Packs from values along columns: for memory in which neighbouring rows are neighbours. Squares of as many
    /// columns as a vector has lanes are transposed in registers.
    func packColumns(into memory: LLVMValue, from column: LLVMValue, blocks: LLVMValue, _ values: @escaping Values) {
        let whole = k / (element == .bf16 ? 2 : 1) / lanes * lanes
        builder.loop(from: integer(0), to: builder.mul(blocks, integer(block.vectors)), step: integer(1)) { stripe, _ in
            let number = builder.udiv(stripe, integer(block.vectors)),
                vector = builder.urem(stripe, integer(block.vectors))
            let first = builder.add(column, builder.mul(stripe, integer(lanes)))
            let target = builder.offset(
                memory,
                bytes: builder.add(
                    place(number, unit: integer(0), vector: 0), builder.mul(vector, integer(block.vectorBytes))))
            func packSquare(_ unit: LLVMValue, count: Int) {
                for (row, factors) in builder.transposedLanes(square(first, unit, isWhole: count == lanes, values))
                    .prefix(count)
                    .enumerated()
                {
                    let place = builder.mul(builder.add(unit, integer(row)), integer(block.unitBytes))
                    builder.store(factors, target, byteOffset: place, align: block.vectorBytes)
                }
            }
            builder.loop(from: integer(0), to: integer(whole), step: integer(lanes)) { unit, _ in
                packSquare(unit, count: lanes)
                return []
            }
            if whole < units { packSquare(integer(whole), count: units - whole) }
            return []
        }
    }

    /// Factors of as many columns as there are lanes, along the contracted axis from `unit` on.
    private func square(_ first: LLVMValue, _ unit: LLVMValue, isWhole: Bool, _ values: Values) -> [LLVMValue] {
        let limit = isWhole ? nil : integer(k)
        return (0..<lanes).map { number in
            var column = builder.add(first, integer(number))
            if isRagged {
                // Columns beyond the last are never stored; they only must not be read.
                column = builder.select(builder.icmp(.slt, column, integer(n)), column, integer(n - 1))
            }
            guard element == .bf16 else { return values(column, unit, limit) }
            let start = builder.mul(unit, integer(2))
            return builder.bfloat16Neighbours(
                values(column, start, limit), values(column, builder.add(start, integer(lanes)), limit))
        }
    }
}

extension Builder {
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
}
