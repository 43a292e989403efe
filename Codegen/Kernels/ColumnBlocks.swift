import ApusIR

/// A right operand [k, n] that lies in memory as it would be packed: block by block of columns, in each row by row; of
/// bf16 pairs of rows, whose elements of one column are neighbours.
package struct ColumnBlocks: Hashable {
    /// The argument of the prologue that it is.
    package var argument: Int
    /// Where the first block begins, and the distance of two, in elements.
    package var offset: Int, distance: Int
    /// Columns of a block.
    package var columns: Int
}

extension MatmulKernel {
    /// How B lies in memory, if it lies in blocks: the element at row r and column c is what is stored at
    /// c / columns · distance + r / p · columns · p + c % columns · p + r % p, where p is 1, or 2 of bf16.
    package var columnBlocks: ColumnBlocks? {
        let pair = element == .bf16 ? 2 : 1
        guard !transposesRight, batchCount == 1, right.extents == (pair == 1 ? [k, n] : [k / pair, pair, n]),
            case .load(let argument, let address, nil) = right.instructions[rightValue].kind,
            right.arguments[argument] == element, let rowDistance = address.terms[0],
            address.terms == (pair == 1 ? [0: rowDistance] : [0: rowDistance, 1: 1]), address.dynamic.count == 2,
            case let columns = rowDistance / pair, columns * pair == rowDistance, n % columns == 0
        else { return nil }
        var distance: Int?, hasRemainder = false
        for (number, coefficient) in address.dynamic {
            guard case .compute(let function, let operands) = right.instructions[number].kind,
                right.constant(operands[1]) == columns, right.isColumn(operands[0])
            else { return nil }
            switch function {
            case .quotient: distance = coefficient
            case .remainder: hasRemainder = coefficient == pair
            default: return nil
            }
        }
        guard hasRemainder, let distance, distance >= k * columns else { return nil }
        return ColumnBlocks(argument: argument, offset: address.constant, distance: distance, columns: columns)
    }
}

extension LoopKernel {
    /// Whether an instruction is the place along the innermost dimension.
    fileprivate func isColumn(_ number: Int) -> Bool {
        instructions[number].kind == .index(.dimension(innermost))
    }
}
