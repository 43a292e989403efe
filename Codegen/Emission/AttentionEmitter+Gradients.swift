import ApusIR
import ApusLLVM

extension AttentionEmitter {
    /// Gradients of queries, keys and values of a head, of those that are wanted.
    ///
    /// With the probabilities P and their gradient D = seed · vᵀ, the gradient of the scores is S = P ∘ (D − rowsum(P ∘
    /// D)) · scale. Those of queries are S · k; those of keys and values, Sᵀ · q and Pᵀ · seed, are added up over
    /// blocks of queries.
    func emitGradients() {
        func number(_ part: AttentionGradient.Part) -> Int? {
            kernel.results.firstIndex { $0.quantity == .gradient(part) }
        }
        let (q, k, v) = (number(.queries), number(.keys), number(.values))
        let (m, d, e) = (kernel.m, kernel.d, kernel.e)
        let hasScores = q != nil || k != nil

        let keys = packed(1, k: d, n: m, transposed: true, at: tiling.keys)
        let values = hasScores ? packed(2, k: e, n: m, transposed: true, at: tiling.values) : nil
        let straightKeys = q != nil ? packedAlongKeys(1, count: m, n: d, at: tiling.straightKeys) : nil
        let probabilities = scratch(tiling.probabilities),
            scoreGradients = hasScores ? scratch(tiling.scoreGradients) : nil
        let sums = [(k, tiling.keySums, d), (v, tiling.valueSums, e)].compactMap { result, offset, columns in
            result.map { Sums(result: $0, memory: scratch(offset), columns: columns, rowBytes: sumRowBytes(columns)) }
        }

        forHeads { head in
            keys.pack(operand(1, head))
            values?.pack(operand(2, head))
            straightKeys?.pack(operand(1, head))
            if tiling.addsUp { for sums in sums { clear(sums.memory, bytes: integer(m * sums.rowBytes)) } }
            forBlocks(of: kernel.n, height: tiling.rows) { first, rows in
                let blockKeys = self.keys(from: integer(0), count: m, ofRows: first, integer(rows))
                let strip = Strip(head: head, query: first, rows: integer(rows), keys: blockKeys)
                func scores(_ number: Int, _ packed: Packed, _ target: LLVMValue) {
                    multiply(
                        rows: rows, left: row(number, first, head), rowBytes: rowBytes(number), packed, into: target,
                        targetRowBytes: tiling.probabilityRowBytes, Part(columns: blockKeys.used), order: .columns)
                }
                scores(0, keys, probabilities)
                emitRowMaxima(probabilities, strip)
                if let values, let scoreGradients { scores(3, values, scoreGradients) }
                emitProbabilities(probabilities, scoreGradients, strip)
                for matrix in [probabilities, scoreGradients].compactMap(\.self) {
                    // Along the keys whole register blocks are read, along the queries perhaps more.
                    clearUnused(matrix, strip, upTo: blockKeys.used.map { greater($0, endOfKeys($0)) })
                }
                if v != nil {
                    addUp(
                        probabilities, packedRows(3, from: first, rows, head, at: tiling.seeds), blockKeys, sums.last,
                        head)
                }
                guard let scoreGradients else { return }
                if k != nil {
                    addUp(
                        scoreGradients, packedRows(0, from: first, rows, head, at: tiling.queries), blockKeys,
                        sums.first,
                        head)
                }
                if let q, let straightKeys {
                    emitFactors(scoreGradients, rows: rows, blockKeys)
                    let matrix = kernel.results[q].matrix
                    let target = builder.offset(
                        result(q, head), bytes: builder.mul(first, integer(matrix.rowStride * kernel.element.byteCount))
                    )
                    let sums = scratch(tiling.sums)
                    multiply(
                        rows: rows, left: scoreGradients, rowBytes: tiling.probabilityRowBytes, straightKeys,
                        into: sums, targetRowBytes: straightKeys.sumRowBytes, Part(contracted: blockKeys.used),
                        order: .columns)
                    write(
                        sums, sumRowBytes: straightKeys.sumRowBytes, rows: integer(rows), columns: d, to: target, matrix
                    )
                }
            }
            if tiling.addsUp { for sums in sums { write(sums, from: sums.memory, head) } }
        }
    }

    /// Gradients of keys or values, which are added up over blocks of queries.
    private struct Sums {
        let result: Int, memory: LLVMValue, columns: Int, rowBytes: Int
    }

    private func sumRowBytes(_ columns: Int) -> Int {
        (columns + block.columns - 1) / block.columns * block.unitBytes
    }

    private func write(_ sums: Sums, from memory: LLVMValue, _ head: LLVMValue) {
        write(
            memory, sumRowBytes: sums.rowBytes, rows: integer(kernel.m), columns: sums.columns,
            to: result(sums.result, head), kernel.results[sums.result].matrix)
    }

    /// Rows of queries or seeds, packed.
    private func packedRows(
        _ number: Int, from first: LLVMValue, _ rows: Int, _ head: LLVMValue, at offset: Int
    ) -> Packed {
        let packed = packed(number, k: rows, n: number == 0 ? kernel.d : kernel.e, at: offset)
        packed.pack(row(number, first, head))
        return packed
    }

    /// Keys up to which register blocks of a product along the queries read: those that are used, and as many more as
    /// the last block has.
    private func endOfKeys(_ used: LLVMValue) -> LLVMValue {
        let height = MatmulTiling.rows(kernel.m, vectors: block.vectors, module.target)
        let beyond = (height + lanes - 1) / lanes * lanes, all = (kernel.m + lanes - 1) / lanes * lanes
        return lesser(builder.add(used, integer(beyond)), integer(all))
    }

    /// Pairs of rows, as factors in bf16 that are contracted along the rows. A row without a second one is paired with
    /// zeros.
    private func pairRows(_ matrix: LLVMValue, rows: Int, _ keys: Keys, into pairs: LLVMValue) {
        let end = keys.used.map { endOfKeys($0) } ?? integer((kernel.m + lanes - 1) / lanes * lanes)
        func pair(_ number: LLVMValue, isWhole: Bool) {
            func row(_ row: LLVMValue) -> LLVMValue {
                builder.offset(matrix, bytes: builder.mul(row, integer(tiling.probabilityRowBytes)))
            }
            let first = builder.mul(number, integer(2))
            let even = row(first), odd = isWhole ? row(builder.add(first, integer(1))) : nil
            let target = builder.offset(pairs, bytes: builder.mul(number, integer(tiling.probabilityRowBytes)))
            builder.loop(from: integer(0), to: end, step: integer(lanes)) { [self] key, _ in
                let place = builder.mul(key, integer(4))
                func value(_ row: LLVMValue?) -> LLVMValue {
                    let value =
                        row.map { builder.load(sumType, $0, byteOffset: place, align: block.vectorBytes) }
                        ?? builder.zero(sumType)
                    return builder.extendBFloat16(builder.roundToBFloat16(value))
                }
                builder.store(
                    builder.bfloat16Pairs(value(even), value(odd)), target, byteOffset: place,
                    align: block.vectorBytes)
                return []
            }
        }
        builder.loop(from: integer(0), to: integer(rows / 2), step: integer(1)) { number, _ in
            pair(number, isWhole: true)
            return []
        }
        if rows % 2 != 0 { pair(integer(rows / 2), isWhole: false) }
    }

    /// The product of a block of queries, of its probabilities or gradients of the scores, with packed rows of queries or
    /// seeds, along the queries: added to the sums of earlier blocks, or written where there is but one.
    private func addUp(
        _ matrix: LLVMValue, _ packed: Packed, _ keys: Keys, _ sums: Sums?, _ head: LLVMValue
    ) {
        guard let sums else { return }
        var left = matrix
        if kernel.element == .bf16 {
            left = scratch(tiling.pairs)
            pairRows(matrix, rows: packed.rows, keys, into: left)
        }
        let target = tiling.addsUp ? sums.memory : scratch(tiling.sums)
        // A row of the product is a column of the matrix.
        multiply(
            rows: kernel.m, left: left, rowBytes: 4, packed, into: target, targetRowBytes: sums.rowBytes,
            Part(rows: keys.used), run: RegisterBlock.Run(units: 1, bytes: tiling.probabilityRowBytes),
            isAdding: tiling.addsUp)
        if !tiling.addsUp { write(sums, from: target, head) }
    }
}
