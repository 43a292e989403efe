import ApusIR
import ApusLLVM

extension AttentionEmitter {
    /// Gradients of queries, keys and values of a head, of those that are wanted.
    ///
    /// With the shares P and the slopes D = seed · vᵀ, the gradient of the scores is S = P ∘ (D − rowsum(P ∘ D)) · scale. Those of queries
    /// are S · k; those of keys and values, Sᵀ · q and Pᵀ · seed, are added up over blocks of queries.
    func emitGradients() {
        func number(_ part: AttentionGradient.Part) -> Int? { kernel.results.firstIndex { $0.quantity == .gradient(part) } }
        let (q, k, v) = (number(.queries), number(.keys), number(.values))
        let (m, d, e) = (kernel.m, kernel.d, kernel.e)
        let hasScores = q != nil || k != nil

        let keys = packed(1, k: d, n: m, turned: true, at: tiling.keys)
        let values = hasScores ? packed(2, k: e, n: m, turned: true, at: tiling.values) : nil
        let straightKeys = q != nil ? packed(1, k: m, n: d, at: tiling.straightKeys) : nil
        let shares = scratch(tiling.shares), turned = scratch(tiling.turned), slopes = hasScores ? scratch(tiling.slopes) : nil

        forHeads { head in
            keys.pack(operand(1, head))
            values?.pack(operand(2, head))
            straightKeys?.pack(operand(1, head))
            forQueryBlocks { first, rows in
                let isFirst = builder.icmp(.eq, first, integer(0))
                func from(_ number: Int) -> LLVMValue { builder.offset(operand(number, head), bytes: builder.mul(first, integer(rowBytes(number)))) }
                multiply(rows: rows, left: from(0), rowBytes: rowBytes(0), keys, into: shares, targetRowBytes: tiling.shareRowBytes)
                if let values, let slopes {
                    multiply(rows: rows, left: from(3), rowBytes: rowBytes(3), values, into: slopes, targetRowBytes: tiling.shareRowBytes)
                }
                builder.loop(from: integer(0), to: integer(rows), step: integer(1)) { row, _ in
                    let place = builder.mul(row, integer(tiling.shareRowBytes))
                    emitRow(builder.offset(shares, bytes: place), slopes.map { builder.offset($0, bytes: place) })
                    return []
                }
                if let v {
                    turn(shares, rows: rows, into: turned)
                    let seeds = packed(3, k: rows, n: e, at: tiling.seeds)
                    seeds.pack(from(3))
                    addUp(turned, seeds, sums: tiling.valueSums, isFirst: isFirst, result: v, head)
                }
                guard let slopes else { return }
                if let k {
                    turn(slopes, rows: rows, into: turned)
                    let queries = packed(0, k: rows, n: d, at: tiling.queries)
                    queries.pack(from(0))
                    addUp(turned, queries, sums: tiling.keySums, isFirst: isFirst, result: k, head)
                }
                if let q, let straightKeys {
                    builder.loop(from: integer(0), to: integer(rows), step: integer(1)) { row, _ in
                        emitFactors(builder.offset(slopes, bytes: builder.mul(row, integer(tiling.shareRowBytes))))
                        return []
                    }
                    let matrix = kernel.results[q].matrix
                    let target = builder.offset(result(q, head), bytes: builder.mul(first, integer(matrix.rowStride * kernel.element.byteCount)))
                    let sums = scratch(tiling.sums), sumRowBytes = straightKeys.packing.blocks * block.unitBytes
                    multiply(rows: rows, left: slopes, rowBytes: tiling.shareRowBytes, straightKeys, into: sums, targetRowBytes: sumRowBytes)
                    write(sums, sumRowBytes: sumRowBytes, rows: rows, columns: d, to: target, matrix)
                }
            }
        }
    }

    /// Turns a row of scores into shares, and one of slopes into the gradient of the scores.
    private func emitRow(_ shares: LLVMValue, _ slopes: LLVMValue?) {
        let inverse = builder.splat(emitPowers(shares), lanes), zero = builder.zero(sumType)
        let along = forKeys(carrying: [zero]) { start, isWhole, carried in
            let share = builder.fmul(load(shares, start, isWhole: isWhole, rest: zero), inverse)
            builder.store(share, shares, byteOffset: builder.mul(start, integer(4)), align: block.vectorBytes)
            guard let slopes else { return carried }
            return [builder.fma(share, load(slopes, start, isWhole: isWhole, rest: zero), carried[0])]
        }
        guard let slopes else { return }
        let sum = builder.splat(builder.reduce(.add, along[0]), lanes), scale = builder.float(kernel.scale, sumType)
        _ = forKeys { start, isWhole, _ in
            let share = load(shares, start, isWhole: isWhole, rest: zero), slope = load(slopes, start, isWhole: isWhole, rest: zero)
            let gradient = builder.fmul(builder.fmul(share, builder.fsub(slope, sum)), scale)
            builder.store(gradient, slopes, byteOffset: builder.mul(start, integer(4)), align: block.vectorBytes)
            return []
        }
    }

    /// Rows of shares become columns, as factors of a left operand: for each key, one after the other those of all queries of the block.
    private func turn(_ shares: LLVMValue, rows: Int, into turned: LLVMValue) {
        let perUnit = kernel.element == .bf16 ? 2 : 1
        let units = block.units(rows)
        // Rows beyond the last count as zeros, and are not read: what lies there means nothing.
        let last = integer(rows - 1)
        func value(_ row: LLVMValue, _ key: LLVMValue) -> LLVMValue {
            let isKnown = builder.icmp(.sle, row, last), known = builder.select(isKnown, row, last)
            let place = builder.add(builder.mul(known, integer(tiling.shareRowBytes)), builder.mul(key, integer(4)))
            let value = builder.select(isKnown, builder.load(sumType, shares, byteOffset: place, align: block.vectorBytes), builder.zero(sumType))
            return perUnit == 2 ? builder.extendBFloat16(builder.roundToBFloat16(value)) : value
        }
        builder.loop(from: integer(0), to: integer(units), step: integer(lanes)) { unit, _ in
            builder.loop(from: integer(0), to: integer(kernel.m), step: integer(lanes)) { key, _ in
                let factors = (0..<lanes).map { number in
                    let row = builder.mul(builder.add(unit, integer(number)), integer(perUnit))
                    return perUnit == 2 ? builder.bfloat16Pairs(value(row, key), value(builder.add(row, integer(1)), key)) : value(row, key)
                }
                for (number, line) in builder.turned(factors).enumerated() {
                    let place = builder.add(builder.mul(builder.add(key, integer(number)), integer(tiling.turnedRowBytes)), builder.mul(unit, integer(4)))
                    builder.store(line, turned, byteOffset: place, align: 4)
                }
                return []
            }
            return []
        }
    }

    /// The product of a block of shares turned round with packed rows of queries or seeds: written, and, where there is more than one
    /// block, added to the sums of the earlier ones.
    private func addUp(_ turned: LLVMValue, _ packed: Packed, sums offset: Int, isFirst: LLVMValue, result number: Int, _ head: LLVMValue) {
        let matrix = kernel.results[number].matrix, rowBytes = packed.packing.blocks * block.unitBytes, sums = scratch(tiling.sums)
        multiply(rows: kernel.m, left: turned, rowBytes: tiling.turnedRowBytes, packed, into: sums, targetRowBytes: rowBytes)
        write(sums, sumRowBytes: rowBytes, rows: kernel.m, columns: packed.packing.n, to: result(number, head), matrix) { [self] sum, row, column in
            guard tiling.rows < kernel.n else { return sum }
            let place = builder.add(builder.mul(row, integer(rowBytes)), builder.mul(column, integer(4))), totals = scratch(offset)
            let earlier = builder.load(sumType, totals, byteOffset: place, align: block.vectorBytes)
            let total = builder.fadd(sum, builder.select(isFirst, builder.zero(sumType), earlier))
            builder.store(total, totals, byteOffset: place, align: block.vectorBytes)
            return total
        }
    }
}
