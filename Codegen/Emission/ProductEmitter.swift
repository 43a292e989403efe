import ApusIR
import ApusLLVM

/// Emits a product as a native function over tiles.
///
/// A tile is a range of C's columns (and of its rows, where the columns alone do not give enough tiles). Its part of B is packed
/// into the thread's own memory, in the order in which it is multiplied; A is read where it lies. Sums of a block of
/// rows and columns are kept in registers along the whole contracted axis: each is one sum in one order, whatever the tiles.
final class ProductEmitter {
    let kernel: ProductKernel
    let tiling: ProductTiling
    let module: Module
    let builder: Builder
    /// What computes B, and what becomes of the sums.
    private let right: BodyEmitter, result: BodyEmitter
    private let frame: KernelFunctionFrame
    private let block: RegisterBlock
    private let packing: Packing

    init(_ kernel: ProductKernel, named name: String, in module: Module) {
        self.kernel = kernel
        self.module = module
        tiling = ProductTiling(kernel, module.target)
        let frame = KernelFunctionFrame(name, arguments: 1 + kernel.right.arguments.count + kernel.result.arguments.count, in: module)
        let firstOfResult = 1 + kernel.right.arguments.count
        right = BodyEmitter(kernel.right, frame.builder, arguments: Array(frame.arguments[1..<firstOfResult]), scratch: frame.scratch)
        result = BodyEmitter(kernel.result, frame.builder, arguments: Array(frame.arguments[firstOfResult...]), scratch: frame.scratch)
        builder = frame.builder
        self.frame = frame
        block = RegisterBlock(builder: builder, element: kernel.element, lanes: tiling.lanes, vectors: tiling.vectors)
        packing = Packing(block: block, k: kernel.k, n: kernel.n)
    }

    private func integer(_ value: Int) -> LLVMValue { builder.int(value, module.i64) }

    func emit() {
        right.emitInvariants()
        result.emitInvariants()
        builder.loop(from: frame.begin, to: frame.end, step: integer(1)) { tile, _ in
            emitTile(tile)
            return []
        }
        builder.ret()
    }

    private func emitTile(_ tile: LLVMValue) {
        let perMatrix = tiling.columnTiles * tiling.rowTiles
        let matrix = builder.udiv(tile, integer(perMatrix)), place = builder.urem(tile, integer(perMatrix))
        let column = builder.mul(builder.urem(place, integer(tiling.columnTiles)), integer(tiling.columnsPerTile))
        let row = builder.mul(builder.udiv(place, integer(tiling.columnTiles)), integer(tiling.rowsPerTile))
        let end = lesser(builder.add(row, integer(tiling.rowsPerTile)), kernel.m, isCertain: kernel.m % tiling.rowsPerTile == 0)
        let blocks = blockCount(from: column)
        pack(matrix, from: column, blocks: blocks)
        builder.loop(from: row, to: end, step: integer(tiling.rows)) { row, _ in
            let isCertain = kernel.m % tiling.rows == 0
            let rows = isCertain ? integer(tiling.rows) : lesser(integer(tiling.rows), builder.sub(integer(kernel.m), row))
            builder.loop(from: integer(0), to: blocks, step: integer(1)) { block, _ in
                let next = builder.add(block, integer(1)), isLast = builder.icmp(.eq, next, blocks)
                func columns(_ block: LLVMValue) -> LLVMValue { builder.add(column, builder.mul(block, integer(tiling.blockColumns))) }
                let following = Position(
                    row: builder.select(isLast, builder.add(row, integer(tiling.rows)), row),
                    column: builder.select(isLast, column, columns(next)))
                emitBlock(matrix, Position(row: row, column: columns(block)), rows: rows, block, following: following)
                return []
            }
            return []
        }
    }

    private func lesser(_ a: LLVMValue, _ b: LLVMValue) -> LLVMValue { builder.select(builder.icmp(.slt, a, b), a, b) }

    private func lesser(_ a: LLVMValue, _ b: Int, isCertain: Bool) -> LLVMValue { isCertain ? a : lesser(a, integer(b)) }

    /// Register blocks that the columns of a tile make; the last tile may have fewer.
    private func blockCount(from column: LLVMValue) -> LLVMValue {
        let all = (kernel.n + tiling.blockColumns - 1) / tiling.blockColumns
        guard all % tiling.blocksPerTile != 0 else { return integer(tiling.blocksPerTile) }
        let left = builder.sub(integer(all), builder.udiv(column, integer(tiling.blockColumns)))
        return builder.select(builder.icmp(.slt, left, integer(tiling.blocksPerTile)), left, integer(tiling.blocksPerTile))
    }

    // MARK: The right operand

    /// Where the packed columns lie in scratch memory.
    private var packed: LLVMValue { builder.offset(frame.scratch, bytes: integer(tiling.sumBytes)) }

    /// Packs the columns of a tile.
    private func pack(_ matrix: LLVMValue, from column: LLVMValue, blocks: LLVMValue) {
        let invariant = right.scalars, body = right, value = kernel.rightValue
        let firstRow = builder.mul(matrix, integer(kernel.turnsRight ? kernel.n : kernel.k))
        let values: Packing.Values = { [builder] line, start, limit in
            body.beginRow(builder.add(firstRow, line), invariant: invariant)
            return body.withColumn(start, limit: limit) { body.lanesValue(value) }
        }
        if kernel.turnsRight {
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

    // MARK: A register block

    /// Where a block begins in C.
    private struct Position {
        var row: LLVMValue, column: LLVMValue
    }

    private func emitBlock(_ matrix: LLVMValue, _ position: Position, rows: LLVMValue, _ number: LLVMValue, following: Position) {
        let left = leftPointer(matrix, position.row), columns = builder.offset(packed, bytes: builder.mul(number, integer(packing.blockBytes)))
        func multiply(_ rows: Int) {
            block.multiply(
                rows: rows, left: left, rowBytes: kernel.left.rowStride * kernel.element.byteCount, packed: columns, units: kernel.units,
                into: frame.scratch, targetRowBytes: block.unitBytes)
        }
        let rest = kernel.m % tiling.rows
        if rest == 0 {
            multiply(tiling.rows)
        } else if kernel.m < tiling.rows {
            multiply(rest)
        } else {
            builder.ifThenElse(
                builder.icmp(.eq, rows, integer(tiling.rows)), then: { multiply(tiling.rows); return [] }, else: { multiply(rest); return [] })
        }
        func inAll(_ position: Position) -> Position {
            Position(row: builder.add(builder.mul(matrix, integer(kernel.m)), position.row), column: position.column)
        }
        finish(inAll(position), rows: rows, following: inAll(following))
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

    /// What is done with the sums of a block, row by row. Meanwhile the memory that the end of the following block needs is asked for:
    /// it arrives while that block is multiplied.
    private func finish(_ position: Position, rows: LLVMValue, following: Position) {
        let invariant = result.scalars, limit = kernel.n % tiling.blockColumns == 0 ? nil : integer(kernel.n)
        builder.loop(from: integer(0), to: rows, step: integer(1)) { row, _ in
            result.scalars = invariant
            result.setIndices(Array(0..<kernel.result.innermost), from: builder.add(following.row, row))
            for vector in 0..<tiling.vectors {
                result.withColumn(builder.add(following.column, integer(vector * tiling.lanes)), limit: nil) { result.prefetch() }
            }
            result.beginRow(builder.add(position.row, row), invariant: invariant)
            builder.loop(from: integer(0), to: integer(tiling.vectors), step: integer(1)) { vector, _ in
                let start = builder.add(position.column, builder.mul(vector, integer(tiling.lanes)))
                let place = builder.mul(builder.add(builder.mul(row, integer(tiling.vectors)), vector), integer(tiling.lanes * 4))
                result.withColumn(start, limit: limit) {
                    let sum = builder.load(module.vector(module.f32, tiling.lanes), frame.scratch, byteOffset: place, align: tiling.lanes * 4)
                    result.setProduct(sum)
                    result.storeAll(kernel.result.stores)
                }
                return []
            }
            return []
        }
        result.scalars = invariant
    }
}
