import ApusLLVM

/// Squares of numbers in registers.
extension Builder {
    /// Lanes within which all processors have instructions that interleave two vectors.
    private static let group = 4

    /// Rows of a square become its columns; as many vectors as each has lanes.
    ///
    /// Lanes are interleaved within groups, and then groups are put in order: 16 lanes take four instructions for each
    /// vector, none of which needs a table.
    func transposedLanes(_ rows: [LLVMValue]) -> [LLVMValue] {
        let (lanes, group) = (rows.count, Self.group)
        guard lanes >= group else { return deinterleaved(rows, group: 1) }
        let squares = stride(from: 0, to: lanes, by: group).map { first in
            let pairs = [0, 2].map { interleaved(rows[first + $0], rows[first + $0 + 1], width: 1) }
            // LLVM would look for better shuffles across all levels, which is most of a kernel's compilation; there are
            // none.
            return zip(pairs[0], pairs[1]).flatMap { interleaved($0, $1, width: 2).map(freeze) }
        }
        let columns = (0..<group).map { number in deinterleaved(squares.map { $0[number] }, group: group) }
        return (0..<lanes).map { columns[$0 % group][$0 / group] }
    }

    /// From each group of lanes, `width` of one vector and `width` of the other in turn: what comes of the groups'
    /// lower halves, and of their upper ones.
    private func interleaved(_ a: LLVMValue, _ b: LLVMValue, width: Int) -> [LLVMValue] {
        let (lanes, half) = (a.type.lanes, Self.group / 2)
        return [0, half].map { begin in
            let numbers = stride(from: begin, to: lanes, by: Self.group).flatMap { first in
                stride(from: first, to: first + half, by: width).flatMap { lane in
                    [lane, lanes + lane].flatMap { $0..<$0 + width }
                }
            }
            return shuffle(a, b, numbers)
        }
    }

    /// Rows of a square become its columns, where its elements are groups of so many lanes: every second group goes
    /// apart, again and again.
    private func deinterleaved(_ rows: [LLVMValue], group: Int) -> [LLVMValue] {
        guard rows.count > 1 else { return rows }
        let lanes = rows[0].type.lanes
        let (even, odd) = (part(0), part(1))
        return zip(even, odd).flatMap { [$0, $1] }

        func part(_ first: Int) -> [LLVMValue] {
            let numbers = stride(from: first * group, to: 2 * lanes, by: 2 * group).flatMap { $0..<$0 + group }
            let halves = stride(from: 0, to: rows.count, by: 2).map { shuffle(rows[$0], rows[$0 + 1], numbers) }
            return deinterleaved(halves, group: group)
        }
    }
}
