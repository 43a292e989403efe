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
        let straightKeys = q != nil ? packed(1, k: m, n: d, at: tiling.straightKeys) : nil
        let probabilities = scratch(tiling.probabilities), transposed = scratch(tiling.transposed),
            scoreGradients = hasScores ? scratch(tiling.scoreGradients) : nil

        forHeads { head in
            keys.pack(operand(1, head))
            values?.pack(operand(2, head))
            straightKeys?.pack(operand(1, head))
            forBlocks(of: kernel.n, height: tiling.rows) { first, rows in
                let isFirst = builder.icmp(.eq, first, integer(0))
                func from(_ number: Int, _ row: LLVMValue) -> LLVMValue {
                    builder.offset(operand(number, head), bytes: builder.mul(row, integer(rowBytes(number))))
                }
                forStrips(of: rows) { start, count, byHeight in
                    let row = builder.add(first, start), place = builder.mul(start, integer(tiling.probabilityRowBytes))
                    func matmul(_ number: Int, _ packed: Packed, _ memory: LLVMValue) -> LLVMValue {
                        let left = from(number, row), target = builder.offset(memory, bytes: place)
                        byHeight {
                            multiply(
                                rows: $0, left: left, rowBytes: rowBytes(number), packed, into: target,
                                targetRowBytes: tiling.probabilityRowBytes)
                        }
                        return target
                    }
                    let probabilities = matmul(0, keys, probabilities)
                    emitRowMaxima(probabilities, rows: count)
                    emitProbabilities(
                        probabilities, values.flatMap { values in scoreGradients.map { matmul(3, values, $0) } },
                        rows: count)
                }
                if let v {
                    transpose(probabilities, rows: rows, into: transposed)
                    let seeds = packed(3, k: rows, n: e, at: tiling.seeds)
                    seeds.pack(from(3, first))
                    addUp(transposed, seeds, sums: tiling.valueSums, isFirst: isFirst, result: v, head)
                }
                guard let scoreGradients else { return }
                if let k {
                    transpose(scoreGradients, rows: rows, into: transposed)
                    let queries = packed(0, k: rows, n: d, at: tiling.queries)
                    queries.pack(from(0, first))
                    addUp(transposed, queries, sums: tiling.keySums, isFirst: isFirst, result: k, head)
                }
                if let q, let straightKeys {
                    emitFactors(scoreGradients, count: rows)
                    let matrix = kernel.results[q].matrix
                    let target = builder.offset(
                        result(q, head), bytes: builder.mul(first, integer(matrix.rowStride * kernel.element.byteCount))
                    )
                    let sums = scratch(tiling.sums), sumRowBytes = straightKeys.packing.blocks * block.unitBytes
                    multiply(
                        rows: rows, left: scoreGradients, rowBytes: tiling.probabilityRowBytes, straightKeys,
                        into: sums,
                        targetRowBytes: sumRowBytes)
                    write(sums, sumRowBytes: sumRowBytes, rows: integer(rows), columns: d, to: target, matrix)
                }
            }
        }
    }

    /// Rows of probabilities, or of gradients of the scores, become columns, as factors of a left operand: for each
    /// key, one after the other those of all queries of the block.
    private func transpose(_ matrix: LLVMValue, rows: Int, into transposed: LLVMValue) {
        let perUnit = kernel.element == .bf16 ? 2 : 1
        let units = block.units(rows)
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
            builder.loop(from: integer(0), to: integer(kernel.m), step: integer(lanes)) { key, _ in
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
    }

    /// The matmul of a transposed block, of probabilities or of gradients of the scores, with packed rows of queries or
    /// seeds: written, and, where there is more than one block, added to the sums of the earlier ones.
    private func addUp(
        _ transposed: LLVMValue, _ packed: Packed, sums offset: Int, isFirst: LLVMValue, result number: Int,
        _ head: LLVMValue
    ) {
        let matrix = kernel.results[number].matrix, rowBytes = packed.packing.blocks * block.unitBytes,
            sums = scratch(tiling.sums)
        multiply(
            rows: kernel.m, left: transposed, rowBytes: tiling.transposedRowBytes, packed, into: sums,
            targetRowBytes: rowBytes)
        write(
            sums, sumRowBytes: rowBytes, rows: integer(kernel.m), columns: packed.packing.n, to: result(number, head),
            matrix
        ) { [self] sum, row, column in
            guard tiling.rows < kernel.n else { return sum }
            let place = builder.add(builder.mul(row, integer(rowBytes)), builder.mul(column, integer(4))),
                totals = scratch(offset)
            let earlier = builder.load(sumType, totals, byteOffset: place, align: block.vectorBytes)
            let total = builder.fadd(sum, builder.select(isFirst, builder.zero(sumType), earlier))
            builder.store(total, totals, byteOffset: place, align: block.vectorBytes)
            return total
        }
    }
}
