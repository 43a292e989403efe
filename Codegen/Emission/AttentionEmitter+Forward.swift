import ApusIR
import ApusLLVM

extension AttentionEmitter {
    func emitForward() {
        forHeads { tiling.isBlocked ? emitInBlocks($0) : emitAtOnce($0) }
    }

    /// All keys at once: the sums of a strip of queries are final.
    private func emitAtOnce(_ head: LLVMValue) {
        let keys = packed(1, k: kernel.d, n: kernel.m, transposed: true, at: tiling.keys)
        let values = kernel.number(of: .value).map { _ in
            packedAlongKeys(2, count: kernel.m, n: kernel.e, at: tiling.values)
        }
        let probabilities = scratch(tiling.probabilities), sums = scratch(tiling.sums)
        keys.pack(operand(1, head))
        values?.pack(operand(2, head))
        forStrips(of: kernel.n) { first, rows, byHeight in
            let strip = Strip(
                head: head, query: first, rows: rows,
                keys: self.keys(from: integer(0), count: kernel.m, ofRows: first, rows))
            emitScores(strip, keys, byHeight)
            emitRowMaxima(probabilities, strip)
            emitExponentials(probabilities, strip)
            emitInverses(count: rows, from: first, head)
            guard let values, let result = kernel.number(of: .value) else { return }
            mix(strip, values, into: sums, byHeight)
            let matrix = kernel.results[result].matrix
            let target = builder.offset(
                self.result(result, head),
                bytes: builder.mul(first, integer(matrix.rowStride * kernel.element.byteCount)))
            write(sums, sumRowBytes: values.sumRowBytes, rows: rows, columns: kernel.e, to: target, matrix) {
                [self] sum, row, _ in
                builder.fmul(sum, builder.splat(number(row, tiling.inverseSum), lanes))
            }
        }
    }

    /// Keys in blocks, as many as a cache holds: where a larger score comes, what was summed up so far shrinks (Milakov
    /// and Gimelshein 2018, Dao et al. 2022).
    private func emitInBlocks(_ head: LLVMValue) {
        let value = kernel.number(of: .value), sums = scratch(tiling.sums),
            probabilities = scratch(tiling.probabilities)
        let sumRowBytes = (kernel.e + block.columns - 1) / block.columns * block.unitBytes
        fill(tiling.rowMaximum, count: kernel.n, with: -.infinity)
        fill(tiling.inverseSum, count: kernel.n, with: 0)
        clear(sums, bytes: integer(kernel.n * sumRowBytes))
        forBlocks(of: kernel.m, height: tiling.keysPerBlock) { firstKey, count in
            let keys = packed(1, k: kernel.d, n: count, transposed: true, at: tiling.keys)
            let values = value.map { _ in packedAlongKeys(2, count: count, n: kernel.e, at: tiling.values) }
            keys.pack(row(1, firstKey, head))
            values?.pack(row(2, firstKey, head))
            forStrips(of: kernel.n, from: kernel.isCausal ? firstKey : nil) { first, rows, byHeight in
                let strip = Strip(
                    head: head, query: first, rows: rows,
                    keys: self.keys(from: firstKey, count: count, ofRows: first, rows))
                let target = builder.offset(sums, bytes: builder.mul(first, integer(sumRowBytes)))
                emitScores(strip, keys, byHeight)
                emitNextExponentials(probabilities, strip, scaling: target, rowBytes: sumRowBytes)
                if let values { mix(strip, values, into: target, byHeight, isAdding: true) }
            }
        }
        emitInverses(count: integer(kernel.n), from: integer(0), head)
        guard let value else { return }
        write(
            sums, sumRowBytes: sumRowBytes, rows: integer(kernel.n), columns: kernel.e, to: result(value, head),
            kernel.results[value].matrix
        ) { [self] sum, row, _ in
            builder.fmul(sum, builder.splat(number(row, tiling.inverseSum), lanes))
        }
    }

    /// q · kᵀ of a strip.
    private func emitScores(_ strip: Strip, _ keys: Packed, _ byHeight: (_ emit: (Int) -> Void) -> Void) {
        let left = row(0, strip.query, strip.head)
        byHeight {
            multiply(
                rows: $0, left: left, rowBytes: rowBytes(0), keys, into: scratch(tiling.probabilities),
                targetRowBytes: tiling.probabilityRowBytes, Part(columns: strip.keys.used))
        }
    }

    /// Exponentials of a strip times values.
    private func mix(
        _ strip: Strip, _ values: Packed, into target: LLVMValue, _ byHeight: (_ emit: (Int) -> Void) -> Void,
        isAdding: Bool = false
    ) {
        byHeight {
            multiply(
                rows: $0, left: scratch(tiling.probabilities), rowBytes: tiling.probabilityRowBytes, values,
                into: target, targetRowBytes: values.sumRowBytes, Part(contracted: strip.keys.used),
                isAdding: isAdding)
        }
    }
}
