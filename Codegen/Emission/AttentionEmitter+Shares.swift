import ApusLLVM

/// From scores to shares and their gradients, in passes over the rows of a strip: within a row, sums wait for each
/// other and for what comes before, but rows do not.
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
            body(row, builder.mul(row, integer(tiling.shareRowBytes)))
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

    /// Finds the largest score of each row. Scores are products q · kᵀ times the scale; a NaN among them makes the
    /// row's sum of powers one.
    func emitLargest(_ shares: LLVMValue, rows: LLVMValue) {
        let lowest = builder.float(-.infinity, sumType), scale = builder.float(kernel.scale, sumType)
        forRows(rows) { row, offset in
            let line = builder.offset(shares, bytes: offset)
            let largest = forKeys(carrying: [lowest]) { start, isWhole, carried in
                [
                    builder.combine(
                        .greatest, known(builder.fmul(load(line, start), scale), start, isWhole, rest: lowest),
                        carried[0])
                ]
            }
            keep(builder.reduce(.greatest, largest[0]), row, tiling.largest)
        }
    }

    /// exp(score − largest); beyond the last key 0.
    private func power(_ line: LLVMValue, _ start: LLVMValue, _ isWhole: Bool, minusLargest: LLVMValue) -> LLVMValue {
        let power = builder.exp(builder.fma(load(line, start), builder.float(kernel.scale, sumType), minusLargest))
        return known(power, start, isWhole, rest: builder.zero(sumType))
    }

    /// Turns rows of scores into powers, as factors of a left operand, and keeps one over their sums.
    func emitPowers(_ shares: LLVMValue, rows: LLVMValue) {
        forRows(rows) { row, offset in
            let line = builder.offset(shares, bytes: offset),
                minusLargest = builder.splat(builder.fneg(number(row, tiling.largest)), lanes)
            let total = forKeys(carrying: [builder.zero(sumType)]) { start, isWhole, carried in
                let power = power(line, start, isWhole, minusLargest: minusLargest)
                storeFactors(power, line, start)
                return [builder.fadd(carried[0], power)]
            }
            keep(builder.fdiv(builder.float(1, module.f32), builder.reduce(.add, total[0])), row, tiling.inverse)
        }
    }

    /// Turns rows of scores into shares P, and rows of slopes D, if there are any, into the gradient of the scores P ∘
    /// (D − rowsum(P ∘ D)) · scale.
    func emitShares(_ shares: LLVMValue, _ slopes: LLVMValue?, rows: LLVMValue) {
        let zero = builder.zero(sumType), scale = builder.float(kernel.scale, sumType)
        func slope(_ offset: LLVMValue, _ start: LLVMValue, _ isWhole: Bool) -> LLVMValue? {
            slopes.map { known(load(builder.offset($0, bytes: offset), start), start, isWhole, rest: zero) }
        }
        forRows(rows) { row, offset in
            let line = builder.offset(shares, bytes: offset),
                minusLargest = builder.splat(builder.fneg(number(row, tiling.largest)), lanes)
            let sums = forKeys(carrying: [zero, zero]) { start, isWhole, carried in
                let power = power(line, start, isWhole, minusLargest: minusLargest)
                store(power, line, start)
                return [
                    builder.fadd(carried[0], power),
                    slope(offset, start, isWhole).map { builder.fma(power, $0, carried[1]) } ?? zero,
                ]
            }
            let inverse = builder.fdiv(builder.float(1, module.f32), builder.reduce(.add, sums[0]))
            keep(inverse, row, tiling.inverse)
            if slopes != nil { keep(builder.fmul(builder.reduce(.add, sums[1]), inverse), row, tiling.means) }
        }
        forRows(rows) { row, offset in
            let line = builder.offset(shares, bytes: offset),
                inverse = builder.splat(number(row, tiling.inverse), lanes)
            let mean = slopes.map { _ in builder.splat(number(row, tiling.means), lanes) }
            _ = forKeys { start, isWhole, _ in
                let share = builder.fmul(load(line, start), inverse)
                store(share, line, start)
                if let slopes, let mean, let slope = slope(offset, start, isWhole) {
                    store(
                        builder.fmul(builder.fmul(share, builder.fsub(slope, mean)), scale),
                        builder.offset(slopes, bytes: offset), start)
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
