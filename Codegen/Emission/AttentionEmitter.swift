import ApusIR
import ApusLLVM

/// Emits attention, or its gradients, as a native function over heads.
///
/// Keys and values of a head are packed once; then, for blocks of its queries, the probabilities are computed into the
/// thread's own memory, and used at once.
final class AttentionEmitter {
    let kernel: AttentionKernel
    let tiling: AttentionTiling
    private let tuning: Tuning
    let module: Module
    let builder: Builder
    let block: RegisterBlock
    let lanes: Int
    private let frame: KernelFunctionFrame

    init(_ kernel: AttentionKernel, _ tiling: AttentionTiling, _ tuning: Tuning, named name: String, in module: Module)
    {
        self.kernel = kernel
        self.module = module
        self.tiling = tiling
        self.tuning = tuning
        frame = KernelFunctionFrame(name, arguments: kernel.operands.count + kernel.results.count, in: module)
        builder = frame.builder
        lanes = module.target.lanes()
        block = RegisterBlock(builder: builder, element: kernel.element, lanes: lanes, vectors: 2)
    }

    func integer(_ value: Int) -> LLVMValue { builder.int(value, module.i64) }
    var sumType: Type { module.vector(module.f32, lanes) }

    /// Address in the thread's own memory.
    func scratch(_ offset: Int) -> LLVMValue { builder.offset(frame.scratch, bytes: integer(offset)) }

    func emit() {
        if kernel.isForward { emitForward() } else { emitGradients() }
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

    /// Runs the body for blocks of some rows; the last may be smaller.
    func forBlocks(of count: Int, height: Int, _ body: (_ first: LLVMValue, _ rows: Int) -> Void) {
        let whole = count / height * height
        builder.loop(from: integer(0), to: integer(whole), step: integer(height)) { first, _ in
            body(first, height)
            return []
        }
        if whole < count { body(integer(whole), count - whole) }
    }

    /// Runs the body for strips of rows, whose number it gets as a value, and a way to emit code that needs it as a
    /// constant.
    func forStrips(
        of count: Int,
        _ body: (_ first: LLVMValue, _ rows: LLVMValue, _ byHeight: (_ emit: (Int) -> Void) -> Void) -> Void
    ) {
        let height = tiling.strip, rest = count % height
        builder.loop(from: integer(0), to: integer(count), step: integer(height)) { first, _ in
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

    /// Address of a head's matrix.
    func pointer(_ argument: Int, _ matrix: AttentionKernel.Matrix, _ head: LLVMValue) -> LLVMValue {
        var offset = integer(matrix.offset), rest = head
        for (extent, stride) in zip(kernel.batch, matrix.batchStrides).reversed() {
            offset = builder.add(offset, builder.mul(builder.urem(rest, integer(extent)), integer(stride)))
            rest = builder.udiv(rest, integer(extent))
        }
        return builder.offset(frame.arguments[argument], bytes: builder.mul(offset, integer(kernel.element.byteCount)))
    }

    func operand(_ number: Int, _ head: LLVMValue) -> LLVMValue { pointer(number, kernel.operands[number], head) }
    func result(_ number: Int, _ head: LLVMValue) -> LLVMValue {
        pointer(kernel.operands.count + number, kernel.results[number].matrix, head)
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
        let memory: LLVMValue

        func pack(_ pointer: LLVMValue) {
            let (values, zero, blocks) = (
                emitter.values(pointer, number), emitter.integer(0), emitter.integer(packing.blocks)
            )
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
            memory: scratch(offset))
    }

    /// left [rows, k] times a packed operand: the sums of each register block are written to `target` [rows, columns].
    func multiply(
        rows: Int, left: LLVMValue, rowBytes: Int, _ packed: Packed, into target: LLVMValue, targetRowBytes: Int
    ) {
        forRegisterBlocks(rows: rows, packed) { row, column, count in
            let columns = builder.offset(
                packed.memory,
                bytes: builder.mul(builder.udiv(column, integer(block.columns)), integer(packed.packing.blockBytes)))
            let place = builder.add(builder.mul(row, integer(targetRowBytes)), builder.mul(column, integer(4)))
            block.multiply(
                rows: count, left: builder.offset(left, bytes: builder.mul(row, integer(rowBytes))), rowBytes: rowBytes,
                packed: columns,
                units: packed.packing.units, into: builder.offset(target, bytes: place), targetRowBytes: targetRowBytes)
        }
    }

    /// Runs the body for the register blocks of a matmul with a packed operand.
    private func forRegisterBlocks(
        rows: Int, _ packed: Packed, _ body: (_ row: LLVMValue, _ column: LLVMValue, _ rows: Int) -> Void
    ) {
        let height = MatmulTiling.rows(rows, vectors: block.vectors, module.target)
        forBlocks(of: rows, height: height) { first, count in
            builder.loop(
                from: integer(0), to: integer(packed.packing.blocks * block.columns), step: integer(block.columns)
            ) { column, _ in
                body(first, column, count)
                return []
            }
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

    // MARK: Forward

    private func emitForward() {
        let keys = packed(1, k: kernel.d, n: kernel.m, transposed: true, at: tiling.keys)
        let values = packed(2, k: kernel.m, n: kernel.e, at: tiling.values)
        let probabilities = scratch(tiling.probabilities), sums = scratch(tiling.sums),
            sumRowBytes = values.packing.blocks * block.unitBytes
        forHeads { head in
            keys.pack(operand(1, head))
            values.pack(operand(2, head))
            let queries = operand(0, head), result = result(0, head), matrix = kernel.results[0].matrix
            forStrips(of: kernel.n) { first, rows, byHeight in
                let left = builder.offset(queries, bytes: builder.mul(first, integer(rowBytes(0))))
                byHeight {
                    multiply(
                        rows: $0, left: left, rowBytes: rowBytes(0), keys, into: probabilities,
                        targetRowBytes: tiling.probabilityRowBytes)
                }
                emitRowMaxima(probabilities, rows: rows)
                emitExponentials(probabilities, rows: rows)
                byHeight {
                    multiply(
                        rows: $0, left: probabilities, rowBytes: tiling.probabilityRowBytes, values, into: sums,
                        targetRowBytes: sumRowBytes)
                }
                let target = builder.offset(
                    result, bytes: builder.mul(first, integer(matrix.rowStride * kernel.element.byteCount)))
                write(sums, sumRowBytes: sumRowBytes, rows: rows, columns: kernel.e, to: target, matrix) {
                    [self] sum, row, _ in
                    builder.fmul(sum, builder.splat(number(row, tiling.inverseSum), lanes))
                }
            }
        }
    }
}
