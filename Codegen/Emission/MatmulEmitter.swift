import ApusIR
import ApusLLVM

/// Emits a matmul as a native function over tiles.
///
/// A tile is a range of C's columns (and of its rows, where the columns alone do not give enough tiles). Its part of B
/// is packed into the thread's own memory, in the order in which it is multiplied, unless it lies so; A is read where
/// it lies. Sums of a block of rows and columns are kept in registers along the whole contracted axis: each is one sum
/// in one order, whatever the tiles. When all blocks of a strip of rows are multiplied, what becomes of the sums, the
/// epilogue, is computed along the strip's rows.
///
/// Columns that lie in runs may be read where they lie too; then a tile is of some runs, and sums are computed of what
/// lies between them as well (``MatmulTiling/InPlace``).
final class MatmulEmitter {
    let kernel: MatmulKernel
    let tiling: MatmulTiling
    let module: Module
    let builder: Builder
    /// What computes B (the prologue), and what becomes of the sums.
    let right: BodyEmitter, epilogue: BodyEmitter
    let frame: KernelFunctionFrame
    private let block: RegisterBlock
    private let packing: Packing

    init(_ kernel: MatmulKernel, _ tiling: MatmulTiling, _ tuning: Tuning, named name: String, in module: Module) {
        self.kernel = kernel
        self.module = module
        self.tiling = tiling
        let frame = KernelFunctionFrame(
            name, arguments: 1 + kernel.right.arguments.count + kernel.epilogue.arguments.count, in: module)
        let firstOfEpilogue = 1 + kernel.right.arguments.count
        right = BodyEmitter(
            kernel.right, frame.builder, arguments: Array(frame.arguments[1..<firstOfEpilogue]), scratch: frame.scratch)
        // With registers to spare, the epilogue takes vectors side by side: chains of operations that do not wait for
        // each other.
        epilogue = BodyEmitter(
            kernel.epilogue, frame.builder, arguments: Array(frame.arguments[firstOfEpilogue...]),
            scratch: frame.scratch,
            lanes: module.target.vectorRegisters < 32 ? tiling.lanes : tiling.blockColumns)
        builder = frame.builder
        self.frame = frame
        block = RegisterBlock(
            builder: builder, element: kernel.element, lanes: tiling.lanes, vectors: tiling.vectors,
            tiles: tiling.tileSteps?.shape(rows: tiling.rows))
        packing = Packing(block: block, k: kernel.k, n: kernel.n, rowsAhead: tuning.packedRowsAhead)
    }

    func integer(_ value: Int) -> LLVMValue { builder.int(value, module.i64) }

    func emit() {
        if tiling.packedBefore == nil { right.emitInvariants() }
        epilogue.emitInvariants()
        block.configureTiles()
        builder.loop(from: frame.begin, to: frame.end, step: integer(1)) { tile, _ in
            emitTile(tile)
            return []
        }
        block.releaseTiles()
        builder.ret()
    }

    private func emitTile(_ tile: LLVMValue) {
        let perMatrix = tiling.columnTiles * tiling.rowTiles
        let matrix = builder.udiv(tile, integer(perMatrix)), place = builder.urem(tile, integer(perMatrix))
        let row = builder.mul(builder.udiv(place, integer(tiling.columnTiles)), integer(tiling.rowsPerTile))
        let number = builder.urem(place, integer(tiling.columnTiles))
        if let inPlace = tiling.inPlace {
            let runs = runs(number, inPlace, of: matrix)
            return forStrips(of: matrix, from: row) { row, rows in
                multiply(matrix, row: row, rows: rows, runs)
                emitEpilogue(builder.add(builder.mul(matrix, integer(kernel.m)), row), rows: rows, runs)
            }
        }
        let column = builder.mul(number, integer(tiling.columnsPerTile))
        let blocks = blockCount(from: column)
        if tiling.packedBefore == nil { pack(matrix, from: column, blocks: blocks) }
        forStrips(of: matrix, from: row) { row, rows in
            builder.loop(from: integer(0), to: blocks, step: integer(1)) { block, _ in
                multiply(
                    matrix, row: row, rows: rows, block, packed: packed(block, from: column),
                    column: builder.add(column, builder.mul(block, integer(tiling.blockColumns))))
                return []
            }
            emitEpilogue(
                builder.add(builder.mul(matrix, integer(kernel.m)), row), rows: rows, from: column, blocks: blocks)
        }
    }

    /// The strips of a tile whose first row is `row`.
    private func forStrips(
        of matrix: LLVMValue, from row: LLVMValue, _ body: (_ row: LLVMValue, _ rows: LLVMValue) -> Void
    ) {
        let end = lesser(
            builder.add(row, integer(tiling.rowsPerTile)), kernel.m, isCertain: kernel.m % tiling.rowsPerTile == 0)
        builder.loop(from: row, to: end, step: integer(tiling.rows)) { row, _ in
            let isCertain = kernel.m % tiling.rows == 0
            let rows =
                isCertain ? integer(tiling.rows) : lesser(integer(tiling.rows), builder.sub(integer(kernel.m), row))
            body(row, rows)
            return []
        }
    }

    func lesser(_ a: LLVMValue, _ b: LLVMValue) -> LLVMValue { builder.select(builder.icmp(.slt, a, b), a, b) }

    private func lesser(_ a: LLVMValue, _ b: Int, isCertain: Bool) -> LLVMValue {
        isCertain ? a : lesser(a, integer(b))
    }

    /// Register blocks that the columns of a tile make; the last tile may have fewer.
    private func blockCount(from column: LLVMValue) -> LLVMValue {
        let all = (kernel.n + tiling.blockColumns - 1) / tiling.blockColumns
        guard all % tiling.blocksPerTile != 0 else { return integer(tiling.blocksPerTile) }
        let left = builder.sub(integer(all), builder.udiv(column, integer(tiling.blockColumns)))
        return builder.select(
            builder.icmp(.slt, left, integer(tiling.blocksPerTile)), left, integer(tiling.blocksPerTile))
    }

    // MARK: The right operand

    /// Where the packed columns lie in scratch memory.
    private var packed: LLVMValue { builder.offset(frame.scratch, bytes: integer(tiling.sumBytes)) }

    /// Where those of a block of a tile lie.
    private func packed(_ number: LLVMValue, from column: LLVMValue) -> LLVMValue {
        guard let blocks = tiling.packedBefore else {
            return builder.offset(packed, bytes: builder.mul(number, integer(packing.blockBytes)))
        }
        let first = builder.udiv(column, integer(tiling.blockColumns))
        let place = builder.mul(builder.add(first, number), integer(blocks.distance))
        return builder.offset(
            frame.arguments[1 + blocks.argument],
            bytes: builder.mul(builder.add(place, integer(blocks.offset)), integer(kernel.element.byteCount)))
    }

    /// Packs the columns of a tile.
    private func pack(_ matrix: LLVMValue, from column: LLVMValue, blocks: LLVMValue) {
        let invariant = right.scalars, body = right, value = kernel.rightValue
        let firstRow = builder.mul(matrix, integer(kernel.transposesRight ? kernel.n : kernel.k))
        fillTables(from: column, blocks: blocks)
        let values: Packing.Values = { [builder] line, start, limit in
            body.beginRow(builder.add(firstRow, line), invariant: invariant)
            return body.withColumn(start, limit: limit) { body.lanesValue(value) }
        }
        if kernel.transposesRight {
            packing.packColumns(into: packed, from: column, blocks: blocks, values)
        } else {
            packing.packRows(into: packed, from: column, blocks: blocks, values) { [builder] line, start in
                body.scalars = invariant
                body.setIndices(Array(0..<body.kernel.innermost), from: builder.add(firstRow, line))
                body.withColumn(start, limit: nil) { body.prefetch() }
            }
        }
        right.scalars = invariant
    }

    /// Writes down where columns lie that are not multiples of one distance apart.
    private func fillTables(from column: LLVMValue, blocks: LLVMValue) {
        var offset = tiling.sumBytes + tiling.packedBytes
        let length = kernel.transposesRight ? kernel.k : kernel.n
        let isRagged = length % (kernel.transposesRight ? 2 * tiling.lanes : tiling.blockColumns) != 0
        for places in right.kernel.columnPlaces {
            let table = PlaceTable(
                places: places, memory: builder.offset(frame.scratch, bytes: integer(offset)),
                first: kernel.transposesRight ? integer(0) : column, capacity: tiling.tableColumns, isRagged: isRagged)
            let count =
                kernel.transposesRight
                ? integer(tiling.tableColumns) : builder.mul(blocks, integer(tiling.blockColumns))
            right.fill(table, count: count, limit: integer(length))
            right.tables[places] = table
            offset += places.tableBytes(columns: tiling.tableColumns, lanes: tiling.lanes)
        }
    }

    // MARK: A strip of rows

    /// Computes the sums of a register block. Meanwhile the memory is asked for that the epilogue of the strip needs
    /// there.
    private func multiply(
        _ matrix: LLVMValue, row: LLVMValue, rows: LLVMValue, _ number: LLVMValue, packed columns: LLVMValue,
        column: LLVMValue
    ) {
        let left = leftPointer(matrix, row)
        let sums = builder.offset(frame.scratch, bytes: builder.mul(number, integer(block.unitBytes)))
        epilogue.setIndices(
            Array(0..<epilogue.kernel.innermost), from: builder.add(builder.mul(matrix, integer(kernel.m)), row))
        let ahead = epilogue.withColumn(column, limit: nil) { epilogue.streams() }
        forHeights(rows) { rows in
            block.multiply(
                rows: rows, left: left, rowBytes: kernel.left.rowStride * kernel.element.byteCount, packed: columns,
                packedAlignment: tiling.packedBefore == nil ? nil : kernel.element.byteCount, units: kernel.units,
                run: run,
                into: sums, targetRowBytes: tiling.columnsPerTile * 4, ahead: ahead)
        }
    }

    /// The sums of a register block of columns that lie in place.
    private func multiply(_ matrix: LLVMValue, row: LLVMValue, rows: LLVMValue, _ runs: Runs) {
        let left = leftPointer(matrix, row)
        builder.loop(from: integer(0), to: runs.blocks, step: integer(1)) { number, _ in
            let first = lesser(builder.mul(number, integer(tiling.blockColumns)), runs.lastBlock)
            let bytes = builder.mul(first, integer(4))
            let columns = builder.offset(runs.memory, bytes: bytes)
            let sums = builder.offset(frame.scratch, bytes: bytes)
            forHeights(rows) { rows in
                block.multiply(
                    rows: rows, left: left, rowBytes: kernel.left.rowStride * 4, packed: columns,
                    along: runs.plan.columns.rows, units: kernel.units, into: sums,
                    targetRowBytes: tiling.columnsPerTile * 4)
            }
            return []
        }
    }

    /// The code for strips of so many rows, of which there are two kinds: whole ones, and the last.
    private func forHeights(_ rows: LLVMValue, _ multiply: (Int) -> Void) {
        let rest = kernel.m % tiling.rows
        if rest == 0 {
            multiply(tiling.rows)
        } else if kernel.m < tiling.rows {
            multiply(rest)
        } else {
            builder.ifThenElse(
                builder.icmp(.eq, rows, integer(tiling.rows)),
                then: {
                    multiply(tiling.rows); return []
                },
                else: {
                    multiply(rest); return []
                })
        }
    }

    /// The runs of A's rows, unless those are contiguous.
    private var run: RegisterBlock.Run? {
        let (run, bytes) = (kernel.left.run, kernel.element.byteCount)
        return run == kernel.k ? nil : RegisterBlock.Run(units: run * bytes / 4, bytes: kernel.left.runStride * bytes)
    }

    private func leftPointer(_ matrix: LLVMValue, _ row: LLVMValue) -> LLVMValue {
        var offset = builder.add(integer(kernel.left.offset), builder.mul(row, integer(kernel.left.rowStride)))
        var rest = matrix
        for (extent, stride) in zip(kernel.batch, kernel.left.batchStrides).reversed() {
            offset = builder.add(offset, builder.mul(builder.urem(rest, integer(extent)), integer(stride)))
            rest = builder.udiv(rest, integer(extent))
        }
        return builder.offset(frame.arguments[0], bytes: builder.mul(offset, integer(kernel.element.byteCount)))
    }

    /// The epilogue: what is done with the sums of a strip, row by row.
    private func emitEpilogue(_ first: LLVMValue, rows: LLVMValue, from column: LLVMValue, blocks: LLVMValue) {
        let invariant = epilogue.scalars, limit = kernel.n % tiling.blockColumns == 0 ? nil : integer(kernel.n)
        builder.loop(from: integer(0), to: rows, step: integer(1)) { row, _ in
            epilogue.beginRow(builder.add(first, row), invariant: invariant)
            let sums = builder.offset(frame.scratch, bytes: builder.mul(row, integer(tiling.columnsPerTile * 4)))
            builder.loop(
                from: integer(0), to: builder.mul(blocks, integer(tiling.blockColumns)), step: integer(epilogue.lanes)
            ) { start, _ in
                epilogue.withColumn(builder.add(column, start), limit: limit) {
                    let sum = builder.load(
                        module.vector(module.f32, epilogue.lanes), sums, byteOffset: builder.mul(start, integer(4)),
                        align: tiling.lanes * 4)
                    epilogue.setMatmul(sum)
                    epilogue.storeAll(kernel.epilogue.stores)
                }
                return []
            }
            return []
        }
        epilogue.scalars = invariant
    }
}
