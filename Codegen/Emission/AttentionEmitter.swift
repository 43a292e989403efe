import ApusIR
import ApusLLVM

/// Emits attention, or its gradients, as a native function over heads.
///
/// Keys and values of a head are packed, all of them or in blocks; then, for blocks of its queries, the probabilities
/// are computed into the thread's own memory, and used at once. Of keys that order hides from a block of queries
/// nothing is computed, up to whole register blocks.
final class AttentionEmitter {
    let kernel: AttentionKernel
    let tiling: AttentionTiling
    private let tuning: Tuning
    let module: Module
    let builder: Builder
    let block: RegisterBlock
    let lanes: Int
    private let frame: KernelFunctionFrame
    /// What dropout draws with.
    private(set) var draw: Draw?

    init(_ kernel: AttentionKernel, _ tiling: AttentionTiling, _ tuning: Tuning, named name: String, in module: Module)
    {
        self.kernel = kernel
        self.module = module
        self.tiling = tiling
        self.tuning = tuning
        frame = KernelFunctionFrame(name, arguments: kernel.readCount + kernel.results.count, in: module)
        builder = frame.builder
        lanes = module.target.lanes()
        let tiles = TileShape(rows: TileShape.mostRows, units: TileShape.mostUnits)
        block = RegisterBlock(
            builder: builder, element: kernel.element, lanes: lanes, vectors: 2,
            tiles: tiling.usesTileRegisters ? tiles : nil)
    }

    func integer(_ value: Int) -> LLVMValue { builder.int(value, module.i64) }
    /// Addresses of the tensors.
    var arguments: [LLVMValue] { frame.arguments }
    var sumType: Type { module.vector(module.f32, lanes) }

    /// Address in the thread's own memory.
    func scratch(_ offset: Int) -> LLVMValue { builder.offset(frame.scratch, bytes: integer(offset)) }

    func emit() {
        draw = loadDraw()
        block.configureTiles()
        if kernel.isForward { emitForward() } else { emitGradients() }
        block.releaseTiles()
        builder.ret()
    }

    // MARK: Heads and rows

    /// Runs the body for each head of the call's range.
    func forHeads(_ body: (_ head: LLVMValue) -> Void) {
        builder.loop(from: frame.begin, to: frame.end, step: integer(1)) { head, _ in
            body(head)
            return []
        }
    }

    /// Runs the body for blocks of some rows, from the one with the row `start` on, of those only that begin before
    /// `end`; the last may be smaller.
    func forBlocks(
        of count: Int, height: Int, from start: LLVMValue? = nil, until end: LLVMValue? = nil,
        _ body: (_ first: LLVMValue, _ rows: Int) -> Void
    ) {
        let whole = count / height * height
        let first = start.map { builder.mul(builder.udiv($0, integer(height)), integer(height)) } ?? integer(0)
        let last = end.map { lesser($0, integer(whole)) } ?? integer(whole)
        builder.loop(from: first, to: last, step: integer(height)) { first, _ in
            body(first, height)
            return []
        }
        guard whole < count else { return }
        if let end {
            builder.ifThen(builder.icmp(.sgt, end, integer(whole))) { body(integer(whole), count - whole) }
        } else {
            body(integer(whole), count - whole)
        }
    }

    func lesser(_ a: LLVMValue, _ b: LLVMValue) -> LLVMValue { builder.select(builder.icmp(.slt, a, b), a, b) }
    func greater(_ a: LLVMValue, _ b: LLVMValue) -> LLVMValue { builder.select(builder.icmp(.slt, a, b), b, a) }

    /// Runs the body for strips of rows, whose number it gets as a value, and a way to emit code that needs it as a
    /// constant; the first strip is the one with the row `start`.
    func forStrips(
        of count: Int, from start: LLVMValue? = nil,
        _ body: (_ first: LLVMValue, _ rows: LLVMValue, _ byHeight: (_ emit: (Int) -> Void) -> Void) -> Void
    ) {
        let height = tiling.strip, rest = count % height
        let first = start.map { builder.mul(builder.udiv($0, integer(height)), integer(height)) } ?? integer(0)
        builder.loop(from: first, to: integer(count), step: integer(height)) { first, _ in
            if rest == 0 || count < height {
                body(first, integer(min(count, height))) { $0(min(count, height)) }
            } else {
                let isWhole = builder.icmp(.sle, builder.add(first, integer(height)), integer(count))
                body(first, builder.select(isWhole, integer(height), integer(rest))) { emit in
                    builder.ifThenElse(
                        isWhole,
                        then: {
                            emit(height); return []
                        },
                        else: {
                            emit(rest); return []
                        })
                }
            }
            return []
        }
    }

    /// Keys whose scores are computed together.
    struct Keys {
        /// The first of them, and how many there are.
        let first: LLVMValue, count: Int
        /// Those that order leaves to the queries at hand, or all, in whole register blocks; nil for just all.
        var used: LLVMValue?
    }

    /// Of the keys from `first` on, those that rows of queries may attend to.
    func keys(from first: LLVMValue, count: Int, ofRows row: LLVMValue, _ rows: LLVMValue) -> Keys {
        guard kernel.isCausal else {
            let padded = (count + block.columns - 1) / block.columns * block.columns
            return Keys(first: first, count: count, used: tiling.isPaddedAlongKeys ? integer(padded) : nil)
        }
        let end = lesser(builder.sub(builder.add(row, rows), first), integer(count)), columns = integer(block.columns)
        // None, where all of them are behind the rows.
        let blocks = greater(builder.sdiv(builder.add(end, integer(block.columns - 1)), columns), integer(0))
        return Keys(first: first, count: count, used: builder.mul(blocks, columns))
    }

    /// Address of a head's matrix.
    func pointer(
        _ argument: Int, _ matrix: AttentionKernel.Matrix, _ element: ElementType, _ head: LLVMValue
    ) -> LLVMValue {
        var offset = integer(matrix.offset), rest = head
        for (extent, stride) in zip(kernel.batch, matrix.batchStrides).reversed() {
            offset = builder.add(offset, builder.mul(builder.urem(rest, integer(extent)), integer(stride)))
            rest = builder.udiv(rest, integer(extent))
        }
        return builder.offset(frame.arguments[argument], bytes: builder.mul(offset, integer(element.byteCount)))
    }

    func operand(_ number: Int, _ head: LLVMValue) -> LLVMValue {
        pointer(number, kernel.operands[number], kernel.element, head)
    }
    func result(_ number: Int, _ head: LLVMValue) -> LLVMValue {
        pointer(kernel.readCount + number, kernel.results[number].matrix, kernel.element, head)
    }

    /// The address of an operand's row.
    func row(_ number: Int, _ row: LLVMValue, _ head: LLVMValue) -> LLVMValue {
        builder.offset(operand(number, head), bytes: builder.mul(row, integer(rowBytes(number))))
    }

    /// Bytes from row to row of an operand.
    func rowBytes(_ number: Int) -> Int { kernel.operands[number].rowStride * kernel.element.byteCount }

    // MARK: Memory

    /// Values of an operand's row as f32 lanes.
    func values(_ pointer: LLVMValue, _ number: Int) -> Packing.Values {
        { [self] row, start, limit in
            let bytes = integer(kernel.element.byteCount)
            let offset = builder.add(builder.mul(row, integer(rowBytes(number))), builder.mul(start, bytes))
            let type = module.vector(kernel.element == .bf16 ? module.i16 : module.f32, lanes)
            let value: LLVMValue
            if let limit {
                value = builder.maskedLoad(
                    type, pointer, byteOffset: offset,
                    mask: builder.laneMask(count: builder.sub(limit, start), lanes: lanes))
            } else {
                value = builder.load(type, pointer, byteOffset: offset)
            }
            return kernel.element == .bf16 ? builder.extendBFloat16(value) : value
        }
    }

    /// An operand [k, n], or [n, k] to be transposed, that is packed into scratch memory.
    struct Packed {
        let emitter: AttentionEmitter
        let number: Int
        let packing: Packing
        let isTransposed: Bool
        /// Rows that there are; those beyond are zeros.
        let rows: Int
        let memory: LLVMValue

        /// Bytes from row to row of the sums of a matmul with it.
        var sumRowBytes: Int { packing.blocks * emitter.block.unitBytes }

        func pack(_ pointer: LLVMValue) {
            let known = emitter.values(pointer, number),
                (zero, blocks) = (emitter.integer(0), emitter.integer(packing.blocks))
            let values: Packing.Values = { [builder = emitter.builder] line, start, limit in
                guard rows < packing.k else { return known(line, start, limit) }
                let value = known(emitter.lesser(line, emitter.integer(rows - 1)), start, limit)
                let isRow = builder.icmp(.slt, line, emitter.integer(rows))
                return builder.select(isRow, value, builder.zero(value.type))
            }
            if isTransposed {
                packing.packColumns(into: memory, from: zero, blocks: blocks, values)
            } else {
                packing.packRows(into: memory, from: zero, blocks: blocks, values)
            }
        }
    }

    func packed(_ number: Int, k: Int, n: Int, transposed: Bool = false, at offset: Int) -> Packed {
        Packed(
            emitter: self, number: number,
            packing: Packing(block: block, k: k, n: n, rowsAhead: tuning.packedRowsAhead), isTransposed: transposed,
            rows: k, memory: scratch(offset))
    }

    /// An operand [keys, n] that is contracted along keys: if it is along those that order leaves, in whole register
    /// blocks. The factors of what lies beyond the last key are zeros.
    func packedAlongKeys(_ number: Int, count: Int, n: Int, at offset: Int) -> Packed {
        guard tiling.isPaddedAlongKeys else { return packed(number, k: count, n: n, at: offset) }
        let k = (count + block.columns - 1) / block.columns * block.columns
        return Packed(
            emitter: self, number: number,
            packing: Packing(block: block, k: k, n: n, rowsAhead: tuning.packedRowsAhead), isTransposed: false,
            rows: count, memory: scratch(offset))
    }

    /// The height of register blocks of a matmul.
    func height(_ rows: Int, units: Int, run: RegisterBlock.Run? = nil) -> Int {
        block.tileSteps(units: units, run: run) == nil
            ? MatmulTiling.rows(rows, vectors: block.vectors, module.target) : TileSteps.rows(rows)
    }

    /// Which part of a matmul is computed; nil for all of it.
    struct Part {
        var rows: LLVMValue?, columns: LLVMValue?, contracted: LLVMValue?
    }

    /// What a matmul goes along first, register block by register block: the operand of the other one is read again and
    /// again, and better be small.
    enum Order { case rows, columns }

    /// left [rows, k] times a packed operand: the sums of each register block are written to `target` [rows, columns],
    /// or added to what is there. The rows of `left` may consist of runs.
    func multiply(
        rows: Int, left: LLVMValue, rowBytes: Int, _ packed: Packed, into target: LLVMValue, targetRowBytes: Int,
        _ part: Part = Part(), run: RegisterBlock.Run? = nil, isAdding: Bool = false,
        order: Order = .rows
    ) {
        let units = part.contracted.map { builder.udiv($0, integer(kernel.element == .bf16 ? 2 : 1)) }
        let height = height(rows, units: packed.packing.units, run: run)
        func forColumns(_ body: (LLVMValue) -> Void) {
            let end = part.columns ?? integer(packed.packing.blocks * block.columns)
            builder.loop(from: integer(0), to: end, step: integer(block.columns)) { column, _ in
                body(column)
                return []
            }
        }
        func forRows(_ body: (_ first: LLVMValue, _ rows: Int) -> Void) {
            forBlocks(of: rows, height: height, until: part.rows, body)
        }
        func multiply(_ row: LLVMValue, _ count: Int, _ column: LLVMValue) {
            let number = builder.udiv(column, integer(block.columns))
            let columns = builder.offset(
                packed.memory, bytes: builder.mul(number, integer(packed.packing.blockBytes)))
            let place = builder.add(builder.mul(row, integer(targetRowBytes)), builder.mul(column, integer(4)))
            block.multiply(
                rows: count, left: builder.offset(left, bytes: builder.mul(row, integer(rowBytes))),
                rowBytes: rowBytes, packed: columns, units: packed.packing.units, run: run, used: units,
                into: builder.offset(target, bytes: place), targetRowBytes: targetRowBytes, isAdding: isAdding)
        }
        switch order {
        case .rows: forRows { row, count in forColumns { multiply(row, count, $0) } }
        case .columns: forColumns { column in forRows { multiply($0, $1, column) } }
        }
    }

    /// Writes rows of sums, each times a factor of its own, to a result; what is added to them is given lane by lane.
    func write(
        _ sums: LLVMValue, sumRowBytes: Int, rows: LLVMValue, columns: Int, to pointer: LLVMValue,
        _ matrix: AttentionKernel.Matrix,
        _ change: @escaping (_ sum: LLVMValue, _ row: LLVMValue, _ column: LLVMValue) -> LLVMValue = { sum, _, _ in sum
        }
    ) {
        let bytes = integer(kernel.element.byteCount), padded = (columns + lanes - 1) / lanes * lanes
        builder.loop(from: integer(0), to: rows, step: integer(1)) { row, _ in
            builder.loop(from: integer(0), to: integer(padded), step: integer(lanes)) { column, _ in
                let place = builder.add(builder.mul(row, integer(sumRowBytes)), builder.mul(column, integer(4)))
                let sum = change(builder.load(sumType, sums, byteOffset: place, align: block.vectorBytes), row, column)
                let offset = builder.mul(builder.add(builder.mul(row, integer(matrix.rowStride)), column), bytes)
                let value = kernel.element == .bf16 ? builder.roundToBFloat16(sum) : sum
                if columns % lanes == 0 {
                    builder.store(value, pointer, byteOffset: offset)
                } else {
                    let mask = builder.laneMask(count: builder.sub(integer(columns), column), lanes: lanes)
                    builder.maskedStore(value, pointer, byteOffset: offset, mask: mask)
                }
                return []
            }
            return []
        }
    }
}
