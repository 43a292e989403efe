import ApusIR
import ApusLLVM

extension AttentionEmitter {
    /// Gradients of queries, keys and values of a head, of those that are wanted.
    ///
    /// With the probabilities P and their gradient D = seed · vᵀ, the gradient of the scores is S = P ∘ (D −
    /// rowsum(seed ∘ result)) · scale. Those of keys and values, Sᵀ · q and Pᵀ · seed, are added up over blocks of
    /// queries; those of queries, S · k, over blocks of keys (Dao et al. 2022).
    func emitGradients() {
        func number(_ part: AttentionGradient.Part) -> Int? { kernel.number(of: .gradient(part)) }
        let (q, k, v) = (number(.queries), number(.keys), number(.values))
        let hasScores = q != nil || k != nil
        let probabilities = scratch(tiling.probabilities)
        let scoreGradients = hasScores ? scratch(tiling.scoreGradients) : nil
        let querySums = q.map { sums($0, tiling.querySums, kernel.d) }
        let keySums = k.map { sums($0, tiling.keySums, kernel.d, overKeys: true) }
        let valueSums = v.map { sums($0, tiling.valueSums, kernel.e, overKeys: true) }

        forHeads { head in
            if hasScores { emitMeans(head) }
            if tiling.isBlocked, let querySums { clear(querySums, rows: kernel.n) }
            forBlocks(of: kernel.m, height: tiling.keysPerBlock) { firstKey, count in
                let keys = packed(1, k: kernel.d, n: count, transposed: true, at: tiling.keys)
                let values = hasScores ? packed(2, k: kernel.e, n: count, transposed: true, at: tiling.values) : nil
                let straightKeys =
                    q != nil ? packedAlongKeys(1, count: count, n: kernel.d, at: tiling.straightKeys) : nil
                keys.pack(row(1, firstKey, head))
                values?.pack(row(2, firstKey, head))
                straightKeys?.pack(row(1, firstKey, head))
                if tiling.addsUp { for sums in [keySums, valueSums].compactMap(\.self) { clear(sums, rows: count) } }
                forBlocks(of: kernel.n, height: tiling.rows, from: kernel.isCausal ? firstKey : nil) {
                    first, rows in
                    let strip = Strip(
                        head: head, query: first, rows: integer(rows),
                        keys: self.keys(from: firstKey, count: count, ofRows: first, integer(rows)))
                    func scores(_ number: Int, _ packed: Packed, _ target: LLVMValue) {
                        multiply(
                            rows: rows, left: row(number, first, head), rowBytes: rowBytes(number), packed,
                            into: target,
                            targetRowBytes: tiling.probabilityRowBytes, Part(columns: strip.keys.used), order: .columns)
                    }
                    scores(0, keys, probabilities)
                    if let values, let scoreGradients { scores(3, values, scoreGradients) }
                    emitScoreGradients(probabilities, scoreGradients, strip, rows: rows)
                    for matrix in [probabilities, scoreGradients].compactMap(\.self) {
                        clearUnused(
                            matrix, strip, upTo: strip.keys.used.map { endOfKeys($0, count) }, rowsApart: rowsPerUnit)
                        if tiling.usesTileRegisters { clearRows(matrix, from: rows, strip) }
                    }
                    func addUp(_ matrix: LLVMValue, _ number: Int, at offset: Int, into sums: Sums) {
                        if tiling.usesTileRegisters {
                            turnRows(number, from: first, rows, head, at: offset)
                            addUpTurned(matrix, scratch(offset), rows: rows, strip.keys, into: sums)
                        } else {
                            let packed = packedRows(number, from: first, rows, head, at: offset)
                            self.addUp(matrix, packed, strip.keys, into: sums)
                        }
                    }
                    if let valueSums { addUp(probabilities, 3, at: tiling.seeds, into: valueSums) }
                    guard let scoreGradients else { return }
                    if let keySums { addUp(scoreGradients, 0, at: tiling.queries, into: keySums) }
                    if let querySums, let straightKeys {
                        let isNarrow = kernel.element == .bf16
                        if isNarrow {
                            clearUnused(
                                scratch(tiling.factors), rowBytes: tiling.factorRowBytes, strip, asFactors: true)
                        }
                        let part = tiling.isBlocked ? querySums.row(first, builder) : querySums.memory
                        multiply(
                            rows: rows, left: isNarrow ? scratch(tiling.factors) : scoreGradients,
                            rowBytes: isNarrow ? tiling.factorRowBytes : tiling.probabilityRowBytes, straightKeys,
                            into: part, targetRowBytes: querySums.rowBytes, Part(contracted: strip.keys.used),
                            isAdding: tiling.isBlocked, order: .columns)
                        if !tiling.isBlocked { write(querySums, rows: rows, at: first, head) }
                    }
                }
                for sums in [keySums, valueSums].compactMap(\.self) { write(sums, rows: count, at: firstKey, head) }
            }
            if tiling.isBlocked, let querySums { write(querySums, rows: kernel.n, at: integer(0), head) }
        }
    }

    // MARK: Sums

    /// Rows of a gradient before they are written; turned, its columns.
    struct Sums {
        let result: Int, memory: LLVMValue, columns: Int, rowBytes: Int
        let isTurned: Bool

        func row(_ row: LLVMValue, _ builder: Builder) -> LLVMValue {
            builder.offset(memory, bytes: builder.mul(row, builder.int(rowBytes, row.type)))
        }
    }

    private func sums(_ result: Int, _ offset: Int, _ columns: Int, overKeys: Bool = false) -> Sums {
        let isTurned = overKeys && tiling.usesTileRegisters, length = isTurned ? tiling.keysPerBlock : columns
        return Sums(
            result: result, memory: scratch(offset), columns: columns,
            rowBytes: (length + block.columns - 1) / block.columns * block.unitBytes, isTurned: isTurned)
    }

    private func clear(_ sums: Sums, rows: Int) {
        clear(sums.memory, bytes: integer((sums.isTurned ? sums.columns : rows) * sums.rowBytes))
    }

    /// Writes sums to rows of the gradient from `first` on.
    private func write(_ sums: Sums, rows: Int, at first: LLVMValue, _ head: LLVMValue) {
        let matrix = kernel.results[sums.result].matrix
        let target = builder.offset(
            result(sums.result, head), bytes: builder.mul(first, integer(matrix.rowStride * kernel.element.byteCount)))
        if sums.isTurned { return writeTurned(sums, rows: rows, to: target, matrix) }
        write(
            sums.memory, sumRowBytes: sums.rowBytes, rows: integer(rows), columns: sums.columns, to: target, matrix)
    }

    // MARK: Matmuls along the queries

    /// Rows that make one unit of a contraction along the queries.
    var rowsPerUnit: Int { kernel.element == .bf16 ? 2 : 1 }

    /// Rows of queries or seeds, packed.
    private func packedRows(
        _ number: Int, from first: LLVMValue, _ rows: Int, _ head: LLVMValue, at offset: Int
    ) -> Packed {
        let packed = packed(number, k: rows, n: number == 0 ? kernel.d : kernel.e, at: offset)
        packed.pack(row(number, first, head))
        return packed
    }

    /// Keys up to which register blocks read: those that are used, and along the queries perhaps as many more as the
    /// last block has.
    private func endOfKeys(_ used: LLVMValue, _ count: Int) -> LLVMValue {
        if tiling.usesTileRegisters { return used }
        let height = MatmulTiling.rows(count, vectors: block.vectors, module.target)
        let beyond = (height + lanes - 1) / lanes * lanes, all = (count + lanes - 1) / lanes * lanes
        return greater(used, lesser(builder.add(used, integer(beyond)), integer(all)))
    }

    /// The product of a block of queries, of its probabilities or gradients of the scores, with packed rows of queries
    /// or seeds, along the queries: added to the sums of earlier blocks, if there are any.
    private func addUp(_ matrix: LLVMValue, _ packed: Packed, _ keys: Keys, into sums: Sums) {
        // A row of the product is a column of the matrix.
        multiply(
            rows: keys.count, left: matrix, rowBytes: 4, packed, into: sums.memory, targetRowBytes: sums.rowBytes,
            Part(rows: keys.used),
            run: RegisterBlock.Run(units: 1, bytes: rowsPerUnit * tiling.probabilityRowBytes), isAdding: tiling.addsUp)
    }

    // MARK: Gradients of scores

    /// rowsum(seed ∘ result) of all queries of a head, which is rowsum(P ∘ D).
    private func emitMeans(_ head: LLVMValue) {
        let seeds = values(operand(3, head), 3), results = values(operand(4, head), 4)
        builder.loop(from: integer(0), to: integer(kernel.n), step: integer(1)) { row, _ in
            var total = builder.zero(sumType)
            for start in stride(from: 0, to: kernel.e, by: lanes) {
                let limit = start + lanes > kernel.e ? integer(kernel.e) : nil
                total = builder.fma(seeds(row, integer(start), limit), results(row, integer(start), limit), total)
            }
            keep(builder.reduce(.add, total), row, tiling.means)
            return []
        }
    }

    /// Turns rows of scores into probabilities P, and rows of their gradient D, if there are any, into the gradient of
    /// the scores P ∘ (D − mean) · scale, in one pass; of P and D, what dropout leaves.
    ///
    /// In bf16 both become factors that are contracted along the queries: pairs of two rows, in the place of the first
    /// of them; a row without a second one is paired with zeros. Rows of the gradient are factors of their own, too.
    private func emitScoreGradients(
        _ probabilities: LLVMValue, _ scoreGradients: LLVMValue?, _ strip: Strip, rows: Int
    ) {
        func emit(_ first: LLVMValue, _ count: Int) {
            let rows = (0..<count).map { row(builder.add(first, integer($0)), of: strip) }
            let shifts = rows.map { builder.splat(builder.fneg(logSum($0)), lanes) }
            let means = scoreGradients.map { _ in rows.map { builder.splat(number($0.query, tiling.means), lanes) } }
            _ = forKeys(strip.keys) { start, isWhole, _ in
                var lines: [(probability: LLVMValue, gradient: LLVMValue?)] = []
                for (index, row) in rows.enumerated() {
                    let attended = attended(row, start, isWhole), zero = builder.zero(sumType)
                    func known(_ value: LLVMValue) -> LLVMValue {
                        attended.map { builder.select($0, value, zero) } ?? value
                    }
                    let product = load(line(probabilities, row.number), start)
                    let probability = known(exponential(product, row, start, isWhole, minus: shifts[index]))
                    let kept = kept(row, start)
                    let gradient = scoreGradients.map { gradients in
                        let own = dropped(load(line(gradients, row.number), start), kept)
                        let change = builder.fsub(own, means![index])
                        let scale = builder.float(kernel.scale, sumType)
                        return known(builder.fmul(builder.fmul(probability, change), scale))
                    }
                    lines.append((dropped(probability, kept), gradient))
                }
                storeUnit(lines.map(\.probability), line(probabilities, first), start)
                guard let scoreGradients else { return [] }
                let rounded = storeUnit(lines.compactMap(\.gradient), line(scoreGradients, first), start)
                for (row, value) in zip(rows, rounded) where kernel.number(of: .gradient(.queries)) != nil {
                    let line = builder.mul(row.number, integer(tiling.factorRowBytes))
                    builder.store(
                        value, scratch(tiling.factors), byteOffset: builder.add(line, builder.mul(start, integer(2))))
                }
                return []
            }
        }
        builder.loop(from: integer(0), to: integer(rows / rowsPerUnit * rowsPerUnit), step: integer(rowsPerUnit)) {
            first, _ in
            emit(first, rowsPerUnit)
            return []
        }
        if rows % rowsPerUnit != 0 { emit(integer(rows - 1), 1) }
    }

    private func logSum(_ row: Row) -> LLVMValue {
        guard let matrix = kernel.logSums else { return builder.zero(module.f32) }
        let place = builder.mul(row.query, integer(matrix.rowStride * 4))
        return builder.load(
            module.f32, pointer(kernel.logSumArgument, matrix, .f32, row.strip.head), byteOffset: place)
    }

    /// Writes one unit of a contraction along the rows: a row, or the pairs of two rows in bf16, whose rounded values
    /// it gives.
    @discardableResult
    private func storeUnit(_ values: [LLVMValue], _ line: LLVMValue, _ start: LLVMValue) -> [LLVMValue] {
        guard kernel.element == .bf16 else {
            for value in values { store(value, line, start) }
            return []
        }
        let rounded = values.map { builder.roundToBFloat16($0) }, wide = rounded.map { builder.extendBFloat16($0) }
        let pairs = builder.bfloat16Pairs(wide[0], wide.count > 1 ? wide[1] : builder.zero(sumType))
        builder.store(
            pairs, line, byteOffset: builder.mul(start, integer(4)), align: block.vectorBytes)
        return rounded
    }
}
