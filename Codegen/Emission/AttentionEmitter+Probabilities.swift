import ApusLLVM

/// From scores to exponentials and their sums, in passes over the rows of a strip: within a row, sums wait for each
/// other and for what comes before, but rows do not.
extension AttentionEmitter {
    /// Rows of queries of a head, and keys, whose scores are computed together.
    struct Strip {
        let head: LLVMValue
        /// The first row, and how many there are.
        let query: LLVMValue, rows: LLVMValue
        let keys: Keys
    }

    /// A row of a strip.
    struct Row {
        let strip: Strip
        /// Its number in the strip, and in the head.
        let number: LLVMValue, query: LLVMValue
        /// The row of the mask, if there is one, from the strip's first key on.
        let mask: LLVMValue?
    }

    // MARK: Numbers of rows

    /// A number that is kept for a row.
    func number(_ row: LLVMValue, _ numbers: Int) -> LLVMValue {
        builder.load(module.f32, scratch(numbers), byteOffset: builder.mul(row, integer(4)))
    }

    func keep(_ value: LLVMValue, _ row: LLVMValue, _ numbers: Int) {
        builder.store(value, scratch(numbers), byteOffset: builder.mul(row, integer(4)))
    }

    func fill(_ numbers: Int, count: Int, with number: Double) {
        builder.loop(from: integer(0), to: integer(count), step: integer(1)) { row, _ in
            keep(builder.float(number, module.f32), row, numbers)
            return []
        }
    }

    /// Sums of exponentials become one over them, and with the largest scores log-sums, if those are wanted, of rows
    /// from `first` on. A row that a mask leaves nothing of has zeros.
    func emitInverses(count: LLVMValue, from first: LLVMValue, _ head: LLVMValue) {
        let logSums = kernel.number(of: .logSum)
        builder.loop(from: integer(0), to: count, step: integer(lanes)) { row, _ in
            let sum = load(scratch(tiling.inverseSum), row), zero = builder.zero(sumType)
            let isEmpty = kernel.mask.map { _ in builder.fcmp(.oeq, sum, zero) }
            func unlessEmpty(_ value: LLVMValue) -> LLVMValue {
                isEmpty.map { builder.select($0, zero, value) } ?? value
            }
            if logSums != nil {
                let logSum = builder.fadd(builder.log(sum), load(scratch(tiling.rowMaximum), row))
                store(unlessEmpty(logSum), scratch(tiling.rowMaximum), row)
            }
            store(unlessEmpty(builder.fdiv(builder.float(1, sumType), sum)), scratch(tiling.inverseSum), row)
            return []
        }
        guard let logSums else { return }
        let matrix = kernel.results[logSums].matrix, target = pointer(kernel.readCount + logSums, matrix, .f32, head)
        builder.loop(from: integer(0), to: count, step: integer(1)) { row, _ in
            let place = builder.mul(builder.add(first, row), integer(matrix.rowStride * 4))
            builder.store(number(row, tiling.rowMaximum), target, byteOffset: place)
            return []
        }
    }

    /// What is subtracted from scores whose largest is known; anything finite if all of them are −∞.
    private func shift(_ largest: LLVMValue) -> LLVMValue {
        guard kernel.mask != nil || tiling.isBlocked else { return largest }
        let isEmpty = builder.fcmp(.oeq, largest, builder.float(-.infinity, largest.type))
        return builder.select(isEmpty, builder.zero(largest.type), largest)
    }

    // MARK: Rows and keys

    /// A row of a strip by its number.
    func row(_ number: LLVMValue, of strip: Strip) -> Row {
        let query = builder.add(strip.query, number)
        let mask = kernel.mask.map { mask in
            let place = builder.add(
                builder.mul(query, integer(mask.matrix.rowStride)),
                builder.mul(strip.keys.first, integer(mask.columnStride)))
            return builder.offset(
                pointer(kernel.maskArgument, mask.matrix, mask.element, strip.head),
                bytes: builder.mul(place, integer(mask.element.byteCount)))
        }
        return Row(strip: strip, number: number, query: query, mask: mask)
    }

    /// Runs the body for the rows of a strip.
    private func forRows(_ strip: Strip, _ body: (Row) -> Void) {
        builder.loop(from: integer(0), to: strip.rows, step: integer(1)) { number, _ in
            body(row(number, of: strip))
            return []
        }
    }

    /// Where a row of probabilities, or of a matrix of their size, begins.
    func line(_ matrix: LLVMValue, _ row: LLVMValue) -> LLVMValue {
        builder.offset(matrix, bytes: builder.mul(row, integer(tiling.probabilityRowBytes)))
    }

    /// Runs the body for the vectors of a row; it may carry values. The last has lanes beyond the last key unless it is
    /// whole.
    func forKeys(
        _ keys: Keys, carrying initial: [LLVMValue] = [],
        _ body: (_ start: LLVMValue, _ isWhole: Bool, _ carried: [LLVMValue]) -> [LLVMValue]
    ) -> [LLVMValue] {
        let whole = keys.count / lanes * lanes, end = keys.used.map { lesser($0, integer(whole)) } ?? integer(whole)
        let carried = builder.loop(from: integer(0), to: end, step: integer(lanes), carrying: initial) {
            start, carried in
            body(start, true, carried)
        }
        return whole < keys.count ? body(integer(whole), false, carried) : carried
    }

    /// Lanes of a row that begin at `start`.
    func load(_ row: LLVMValue, _ start: LLVMValue) -> LLVMValue {
        builder.load(sumType, row, byteOffset: builder.mul(start, integer(4)), align: block.vectorBytes)
    }

    func store(_ value: LLVMValue, _ row: LLVMValue, _ start: LLVMValue) {
        builder.store(value, row, byteOffset: builder.mul(start, integer(4)), align: block.vectorBytes)
    }

    /// Lanes of keys that a row attends to; nil for all.
    func attended(_ row: Row, _ start: LLVMValue, _ isWhole: Bool) -> LLVMValue? {
        var conditions: [LLVMValue] = []
        if kernel.isCausal {
            let known = builder.sub(builder.add(row.query, integer(1)), row.strip.keys.first)
            let count = isWhole ? known : lesser(known, integer(row.strip.keys.count))
            conditions.append(builder.laneMask(count: builder.sub(count, start), lanes: lanes))
        } else if !isWhole {
            conditions.append(lanesOfKeys(row, start))
        }
        if let mask = row.mask, kernel.mask?.element == .bool {
            let bytes = maskLanes(module.i8, mask, row, start, isWhole)
            conditions.append(builder.icmp(.ne, bytes, builder.zero(bytes.type)))
        }
        guard let first = conditions.first else { return nil }
        return conditions.dropFirst().reduce(first) { builder.and($0, $1) }
    }

    private func lanesOfKeys(_ row: Row, _ start: LLVMValue) -> LLVMValue {
        builder.laneMask(count: builder.sub(integer(row.strip.keys.count), start), lanes: lanes)
    }

    /// Lanes of the mask as they lie in memory.
    private func maskLanes(_ type: Type, _ mask: LLVMValue, _ row: Row, _ start: LLVMValue, _ isWhole: Bool)
        -> LLVMValue
    {
        guard kernel.mask?.columnStride == 1 else { return builder.splat(builder.load(type, mask), lanes) }
        let vector = module.vector(type, lanes), offset = builder.mul(start, integer(type.elementBits / 8))
        return isWhole
            ? builder.load(vector, mask, byteOffset: offset)
            : builder.maskedLoad(vector, mask, byteOffset: offset, mask: lanesOfKeys(row, start))
    }

    /// The lanes that a row attends to, and `rest` in the others.
    private func known(_ value: LLVMValue, _ row: Row, _ start: LLVMValue, _ isWhole: Bool, rest: LLVMValue)
        -> LLVMValue
    {
        attended(row, start, isWhole).map { builder.select($0, value, rest) } ?? value
    }

    /// What a mask of numbers adds to scores; nil if there is none.
    private func added(_ row: Row, _ start: LLVMValue, _ isWhole: Bool) -> LLVMValue? {
        guard let mask = row.mask, let element = kernel.mask?.element, element != .bool else { return nil }
        guard element == .bf16 else { return maskLanes(module.f32, mask, row, start, isWhole) }
        return builder.extendBFloat16(maskLanes(module.i16, mask, row, start, isWhole))
    }

    // MARK: Softmax

    /// The largest score of a row. Scores are dot products q · kᵀ times the scale, and what a mask adds; a NaN among
    /// them makes the row's sum of exponentials one.
    private func largestScore(_ line: LLVMValue, _ row: Row) -> LLVMValue {
        let lowest = builder.float(-.infinity, sumType), scale = builder.float(kernel.scale, sumType)
        let largest = forKeys(row.strip.keys, carrying: [lowest]) { start, isWhole, carried in
            let product = load(line, start)
            let score =
                added(row, start, isWhole).map { builder.fma(product, scale, $0) } ?? builder.fmul(product, scale)
            return [builder.combine(.greatest, known(score, row, start, isWhole, rest: lowest), carried[0])]
        }
        return builder.reduce(.greatest, largest[0])
    }

    /// Finds the largest score of each row.
    func emitRowMaxima(_ probabilities: LLVMValue, _ strip: Strip) {
        forRows(strip) { row in
            let largest = largestScore(line(probabilities, row.number), row)
            keep(shift(largest), row.number, tiling.rowMaximum)
        }
    }

    /// exp(score − row maximum); 0 of what a row does not attend to.
    private func exponential(
        _ line: LLVMValue, _ row: Row, _ start: LLVMValue, _ isWhole: Bool, minusRowMaximum: LLVMValue
    ) -> LLVMValue {
        let exponential = exponential(load(line, start), row, start, isWhole, minus: minusRowMaximum)
        return known(exponential, row, start, isWhole, rest: builder.zero(sumType))
    }

    /// exp(score − shift) by a product of queries and keys, also where a row does not attend to a key.
    func exponential(
        _ product: LLVMValue, _ row: Row, _ start: LLVMValue, _ isWhole: Bool, minus minusShift: LLVMValue
    ) -> LLVMValue {
        let scale = builder.float(kernel.scale, sumType)
        return builder.exp(
            added(row, start, isWhole).map { builder.fadd(builder.fma(product, scale, $0), minusShift) }
                ?? builder.fma(product, scale, minusShift))
    }

    /// Turns a row of scores into exponentials, of which dropout leaves factors of a left operand, and gives the sum of
    /// all.
    private func exponentials(_ line: LLVMValue, _ row: Row, rowMaximum: LLVMValue) -> LLVMValue {
        let minusRowMaximum = builder.splat(builder.fneg(rowMaximum), lanes)
        let total = forKeys(row.strip.keys, carrying: [builder.zero(sumType)]) { start, isWhole, carried in
            let exponential = exponential(line, row, start, isWhole, minusRowMaximum: minusRowMaximum)
            if kernel.number(of: .value) != nil {
                storeFactors(dropped(exponential, kept(row, start)), line, start)
            }
            return [builder.fadd(carried[0], exponential)]
        }
        return builder.reduce(.add, total[0])
    }

    /// Turns rows of scores into exponentials, as factors of a left operand, and keeps their sums.
    func emitExponentials(_ probabilities: LLVMValue, _ strip: Strip) {
        forRows(strip) { row in
            let total = exponentials(
                line(probabilities, row.number), row, rowMaximum: number(row.number, tiling.rowMaximum))
            keep(total, row.number, tiling.inverseSum)
        }
        clearUnused(probabilities, strip, asFactors: true)
    }

    /// Turns rows of scores of the next block of keys into exponentials, as factors of a left operand, and adds up
    /// their sums; what earlier blocks came to, in `target` too, becomes smaller where a score is larger than all of
    /// theirs.
    func emitNextExponentials(_ probabilities: LLVMValue, _ strip: Strip, scaling target: LLVMValue, rowBytes: Int) {
        forRows(strip) { row in
            let line = line(probabilities, row.number), earlier = number(row.query, tiling.rowMaximum)
            let largest = builder.combine(.greatest, largestScore(line, row), earlier)
            keep(largest, row.query, tiling.rowMaximum)
            let correction = builder.exp(builder.splat(builder.fsub(earlier, shift(largest)), lanes))
            let sum = builder.fmul(number(row.query, tiling.inverseSum), builder.extractLane(correction, 0))
            keep(
                builder.fadd(sum, exponentials(line, row, rowMaximum: shift(largest))), row.query, tiling.inverseSum)
            let sums = builder.offset(target, bytes: builder.mul(row.number, integer(rowBytes)))
            builder.loop(from: integer(0), to: integer(rowBytes / 4), step: integer(lanes)) { start, _ in
                store(builder.fmul(load(sums, start), correction), sums, start)
                return []
            }
        }
        clearUnused(probabilities, strip, asFactors: true)
    }

    // MARK: What is not attended to

    /// Writes zeros behind the keys that a strip uses, up to the end of a register block or to a key that others use,
    /// in each row or each so many rows; `rowBytes` are those of probabilities unless told.
    func clearUnused(
        _ matrix: LLVMValue, rowBytes: Int? = nil, _ strip: Strip, upTo last: LLVMValue? = nil, rowsApart: Int = 1,
        asFactors: Bool = false
    ) {
        guard let used = strip.keys.used else { return }
        let end = last ?? used
        let isNarrow = asFactors && kernel.element == .bf16, elementBytes = isNarrow ? 2 : 4
        let vectors = integer((strip.keys.count + lanes - 1) / lanes * lanes)
        builder.loop(from: integer(0), to: strip.rows, step: integer(rowsApart)) { row, _ in
            let line = builder.offset(
                matrix, bytes: builder.mul(row, integer(rowBytes ?? tiling.probabilityRowBytes)))
            let zero = builder.zero(module.vector(isNarrow ? module.i16 : module.f32, lanes))
            builder.loop(from: lesser(used, vectors), to: end, step: integer(lanes)) { start, _ in
                builder.store(
                    zero, line, byteOffset: builder.mul(start, integer(elementBytes)), align: elementBytes * lanes)
                return []
            }
            return []
        }
    }

    /// Writes zeros, vector by vector.
    func clear(_ memory: LLVMValue, bytes: LLVMValue) {
        builder.loop(from: integer(0), to: bytes, step: integer(block.vectorBytes)) { place, _ in
            builder.store(builder.zero(sumType), memory, byteOffset: place, align: block.vectorBytes)
            return []
        }
    }

    // MARK: Factors

    /// Writes lanes of a row as factors of a left operand: in bf16, they take the first half of the row's memory.
    private func storeFactors(_ value: LLVMValue, _ line: LLVMValue, _ start: LLVMValue) {
        guard kernel.element == .bf16 else { return store(value, line, start) }
        builder.store(builder.roundToBFloat16(value), line, byteOffset: builder.mul(start, integer(2)))
    }
}
