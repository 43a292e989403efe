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
        let probabilities = scratch(tiling.probabilities), transposed = scratch(tiling.transposed),
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
                forStrips(of: rows) { start, count, byHeight in
                    let query = builder.add(first, start)
                    let strip = Strip(
                        head: head, query: query, rows: count,
                        keys: self.keys(from: integer(0), count: m, ofRows: query, count))
                    let place = builder.mul(start, integer(tiling.probabilityRowBytes))
                    func matmul(_ number: Int, _ packed: Packed, _ memory: LLVMValue) -> LLVMValue {
                        let left = row(number, query, head), target = builder.offset(memory, bytes: place)
                        byHeight {
                            multiply(
                                rows: $0, left: left, rowBytes: rowBytes(number), packed, into: target,
                                targetRowBytes: tiling.probabilityRowBytes, Part(columns: strip.keys.used))
                        }
                        return target
                    }
                    let probabilities = matmul(0, keys, probabilities)
                    emitRowMaxima(probabilities, strip)
                    let scoreGradients = values.flatMap { values in scoreGradients.map { matmul(3, values, $0) } }
                    emitProbabilities(probabilities, scoreGradients, strip)
                    for matrix in [probabilities, scoreGradients].compactMap(\.self) {
                        clearUnused(matrix, strip, upTo: blockKeys)
                    }
                }
                if v != nil {
                    transpose(probabilities, rows: rows, blockKeys, into: transposed)
                    addUp(
                        transposed, packedRows(3, from: first, rows, head, at: tiling.seeds), blockKeys, sums.last, head
                    )
                }
                guard let scoreGradients else { return }
                if k != nil {
                    transpose(scoreGradients, rows: rows, blockKeys, into: transposed)
                    addUp(
                        transposed, packedRows(0, from: first, rows, head, at: tiling.queries), blockKeys, sums.first,
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
                        into: sums, targetRowBytes: straightKeys.sumRowBytes, Part(contracted: blockKeys.used))
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

    /// Rows of probabilities, or of gradients of the scores, become columns, as factors of a left operand: for each
    /// key, one after the other those of all queries of the block.
    private func transpose(_ matrix: LLVMValue, rows: Int, _ keys: Keys, into transposed: LLVMValue) {
        let perUnit = kernel.element == .bf16 ? 2 : 1
        let units = block.units(rows), end = keys.used.map { lesser($0, integer(kernel.m)) } ?? integer(kernel.m)
        // Rows beyond the last count as zeros, and are not read: what lies there means nothing.
        let last = integer(rows - 1)
        func value(_ row: LLVMValue, _ key: LLVMValue) -> LLVMValue {
            let isKnown = builder.icmp(.sle, row, last), known = builder.select(isKnown, row, last)
            let place = builder.add(
                builder.mul(known, integer(tiling.probabilityRowBytes)), builder.mul(key, integer(4)))
            let value = builder.select(
                isKnown, builder.load(sumType, matrix, byteOffset: place, align: block.vectorBytes),
                builder.zero(sumType))
            return perUnit == 2 ? builder.extendBFloat16(builder.roundToBFloat16(value)) : value
        }
        builder.loop(from: integer(0), to: integer(units), step: integer(lanes)) { unit, _ in
            builder.loop(from: integer(0), to: end, step: integer(lanes)) { key, _ in
                let factors = (0..<lanes).map { number in
                    let row = builder.mul(builder.add(unit, integer(number)), integer(perUnit))
                    return perUnit == 2
                        ? builder.bfloat16Pairs(value(row, key), value(builder.add(row, integer(1)), key))
                        : value(row, key)
                }
                for (number, line) in builder.transposedLanes(factors).enumerated() {
                    let place = builder.add(
                        builder.mul(builder.add(key, integer(number)), integer(tiling.transposedRowBytes)),
                        builder.mul(unit, integer(4)))
                    builder.store(line, transposed, byteOffset: place, align: 4)
                }
                return []
            }
            return []
        }
        // The last register block of keys may reach beyond those that are used.
        guard keys.used != nil else { return }
        let known = builder.mul(builder.sdiv(builder.add(end, integer(lanes - 1)), integer(lanes)), integer(lanes))
        let height = MatmulTiling.rows(kernel.m, vectors: block.vectors, module.target)
        let beyond = lesser(builder.add(known, integer(height)), integer((kernel.m + lanes - 1) / lanes * lanes))
        builder.loop(from: known, to: beyond, step: integer(1)) { key, _ in
            clear(
                builder.offset(transposed, bytes: builder.mul(key, integer(tiling.transposedRowBytes))),
                bytes: integer(tiling.transposedRowBytes))
            return []
        }
    }

    /// The matmul of a transposed block, of probabilities or of gradients of the scores, with packed rows of queries or
    /// seeds: added to the sums of earlier blocks, or written where there is but one.
    private func addUp(
        _ transposed: LLVMValue, _ packed: Packed, _ keys: Keys, _ sums: Sums?, _ head: LLVMValue
    ) {
        guard let sums else { return }
        let target = tiling.addsUp ? sums.memory : scratch(tiling.sums)
        multiply(
            rows: kernel.m, left: transposed, rowBytes: tiling.transposedRowBytes, packed, into: target,
            targetRowBytes: sums.rowBytes, Part(rows: keys.used), isAdding: tiling.addsUp)
        if !tiling.addsUp { write(sums, from: target, head) }
    }
}
