import ApusLLVM

/// From scores to probabilities, and to the gradients of the scores, in passes over the rows of a strip: within a row,
/// sums wait for each other and for what comes before, but rows do not.
extension AttentionEmitter {
    /// A number that is kept for each row of a strip.
    func number(_ row: LLVMValue, _ numbers: Int) -> LLVMValue {
        builder.load(module.f32, scratch(numbers), byteOffset: builder.mul(row, integer(4)))
    }

    private func keep(_ value: LLVMValue, _ row: LLVMValue, _ numbers: Int) {
        builder.store(value, scratch(numbers), byteOffset: builder.mul(row, integer(4)))
    }

    /// Runs the body for rows, and how many bytes they lie behind the first.
    private func forRows(_ rows: LLVMValue, _ body: (_ row: LLVMValue, _ offset: LLVMValue) -> Void) {
        builder.loop(from: integer(0), to: rows, step: integer(1)) { row, _ in
            body(row, builder.mul(row, integer(tiling.probabilityRowBytes)))
            return []
        }
    }

    /// Runs the body for the vectors of a row; it may carry values. The last has lanes beyond the last key unless it is
    /// whole.
    private func forKeys(
        carrying initial: [LLVMValue] = [],
        _ body: (_ start: LLVMValue, _ isWhole: Bool, _ carried: [LLVMValue]) -> [LLVMValue]
    ) -> [LLVMValue] {
        let whole = kernel.m / lanes * lanes
        let carried = builder.loop(from: integer(0), to: integer(whole), step: integer(lanes), carrying: initial) {
            start, carried in
            body(start, true, carried)
        }
        return whole < kernel.m ? body(integer(whole), false, carried) : carried
    }

    /// Lanes of a row that begin at `start`.
    private func load(_ row: LLVMValue, _ start: LLVMValue) -> LLVMValue {
        builder.load(sumType, row, byteOffset: builder.mul(start, integer(4)), align: block.vectorBytes)
    }

    private func store(_ value: LLVMValue, _ row: LLVMValue, _ start: LLVMValue) {
        builder.store(value, row, byteOffset: builder.mul(start, integer(4)), align: block.vectorBytes)
    }

    /// The lanes of keys, and `rest` in those beyond the last.
    private func known(_ value: LLVMValue, _ start: LLVMValue, _ isWhole: Bool, rest: LLVMValue) -> LLVMValue {
        isWhole
            ? value
            : builder.select(builder.laneMask(count: builder.sub(integer(kernel.m), start), lanes: lanes), value, rest)
    }

    /// Finds the largest score of each row. Scores are dot products q · kᵀ times the scale; a NaN among them makes the
    /// row's sum of exponentials one.
    func emitRowMaxima(_ probabilities: LLVMValue, rows: LLVMValue) {
        let lowest = builder.float(-.infinity, sumType), scale = builder.float(kernel.scale, sumType)
        forRows(rows) { row, offset in
            let line = builder.offset(probabilities, bytes: offset)
            let rowMaximum = forKeys(carrying: [lowest]) { start, isWhole, carried in
                [
                    builder.combine(
                        .greatest, known(builder.fmul(load(line, start), scale), start, isWhole, rest: lowest),
                        carried[0])
                ]
            }
            keep(builder.reduce(.greatest, rowMaximum[0]), row, tiling.rowMaximum)
        }
    }

    /// exp(score − row maximum); beyond the last key 0.
    private func exponential(_ line: LLVMValue, _ start: LLVMValue, _ isWhole: Bool, minusRowMaximum: LLVMValue)
        -> LLVMValue
    {
        let exponential = builder.exp(
            builder.fma(load(line, start), builder.float(kernel.scale, sumType), minusRowMaximum))
        return known(exponential, start, isWhole, rest: builder.zero(sumType))
    }

    /// Turns rows of scores into exponentials, as factors of a left operand, and keeps one over their sums.
    func emitExponentials(_ probabilities: LLVMValue, rows: LLVMValue) {
        forRows(rows) { row, offset in
            let line = builder.offset(probabilities, bytes: offset),
                minusRowMaximum = builder.splat(builder.fneg(number(row, tiling.rowMaximum)), lanes)
            let total = forKeys(carrying: [builder.zero(sumType)]) { start, isWhole, carried in
                let exponential = exponential(line, start, isWhole, minusRowMaximum: minusRowMaximum)
                storeFactors(exponential, line, start)
                return [builder.fadd(carried[0], exponential)]
            }
            keep(builder.fdiv(builder.float(1, module.f32), builder.reduce(.add, total[0])), row, tiling.inverseSum)
        }
    }

    /// Turns rows of scores into probabilities P, and rows of their gradient D, if there are any, into the gradient of
    /// the scores P ∘ (D − rowsum(P ∘ D)) · scale.
    func emitProbabilities(_ probabilities: LLVMValue, _ scoreGradients: LLVMValue?, rows: LLVMValue) {
        let zero = builder.zero(sumType), scale = builder.float(kernel.scale, sumType)
        func gradient(_ offset: LLVMValue, _ start: LLVMValue, _ isWhole: Bool) -> LLVMValue? {
            scoreGradients.map { known(load(builder.offset($0, bytes: offset), start), start, isWhole, rest: zero) }
        }
        forRows(rows) { row, offset in
            let line = builder.offset(probabilities, bytes: offset),
                minusRowMaximum = builder.splat(builder.fneg(number(row, tiling.rowMaximum)), lanes)
            let sums = forKeys(carrying: [zero, zero]) { start, isWhole, carried in
                let exponential = exponential(line, start, isWhole, minusRowMaximum: minusRowMaximum)
                store(exponential, line, start)
                return [
                    builder.fadd(carried[0], exponential),
                    gradient(offset, start, isWhole).map { builder.fma(exponential, $0, carried[1]) } ?? zero,
                ]
            }
            let inverseSum = builder.fdiv(builder.float(1, module.f32), builder.reduce(.add, sums[0]))
            keep(inverseSum, row, tiling.inverseSum)
            if scoreGradients != nil {
                keep(builder.fmul(builder.reduce(.add, sums[1]), inverseSum), row, tiling.means)
            }
        }
        forRows(rows) { row, offset in
            let line = builder.offset(probabilities, bytes: offset),
                inverseSum = builder.splat(number(row, tiling.inverseSum), lanes)
            let mean = scoreGradients.map { _ in builder.splat(number(row, tiling.means), lanes) }
            _ = forKeys { start, isWhole, _ in
                let probability = builder.fmul(load(line, start), inverseSum)
                store(probability, line, start)
                if let scoreGradients, let mean, let gradient = gradient(offset, start, isWhole) {
                    store(
                        builder.fmul(builder.fmul(probability, builder.fsub(gradient, mean)), scale),
                        builder.offset(scoreGradients, bytes: offset), start)
                }
                return []
            }
        }
    }

    /// Rows of f32 become factors of a left operand, in place.
    func emitFactors(_ rows: LLVMValue, count: Int) {
        guard kernel.element == .bf16 else { return }
        forRows(integer(count)) { _, offset in
            let line = builder.offset(rows, bytes: offset)
            _ = forKeys { start, isWhole, _ in
                storeFactors(known(load(line, start), start, isWhole, rest: builder.zero(sumType)), line, start)
                return []
            }
        }
    }

    /// Writes lanes of a row as factors of a left operand: in bf16, they take the first half of the row's memory.
    private func storeFactors(_ value: LLVMValue, _ line: LLVMValue, _ start: LLVMValue) {
        guard kernel.element == .bf16 else { return store(value, line, start) }
        builder.store(builder.roundToBFloat16(value), line, byteOffset: builder.mul(start, integer(2)))
    }
}
