import ApusIR

/// A right operand [k, n] whose columns lie in memory in runs of neighbours, as the places of windows do in rows of
/// images: register blocks can read it where it lies, along several runs with what lies between them.
package struct ColumnRuns: Hashable {
    /// So many places, so many elements apart.
    package struct Axis: Hashable {
        package var count: Int, distance: Int
    }

    /// The argument of the prologue that it is, and where that reads it.
    package var argument: Int
    package var address: IndexExpression
    /// Columns of a run.
    package var length: Int
    /// Runs that follow each other at one distance.
    package var runs: Axis
    /// Where all these lie for the columns that are left, outermost first.
    package var groups: [Axis]
    /// Where rows lie, those of the contracted axis, outermost first.
    package var rows: [Axis]

    /// Elements from the first column of so many runs to the last.
    package func span(runs count: Int) -> Int { (count - 1) * runs.distance + length }

    /// How many different elements all rows have in such a span.
    package func elements(runs count: Int) -> Int {
        var span = span(runs: count), spans = 1
        for axis in rows.sorted(by: { abs($0.distance) < abs($1.distance) }) {
            let distance = abs(axis.distance)
            if distance <= span { span += (axis.count - 1) * distance } else { spans *= axis.count }
        }
        return span * spans
    }
}

extension MatmulKernel {
    /// How the columns of B lie in runs; nil if they do not, or if B is computed.
    package var columnRuns: ColumnRuns? {
        guard !transposesRight, element == .f32, left.run == k, let rows = rightRows,
            case .load(let argument, let address, nil) = right.instructions[rightValue].kind,
            right.arguments[argument] == .f32, address.terms[right.innermost] == nil,
            let axes = right.columnAxes(address), axes.count > 1, let run = axes.last, run.distance == 1,
            case let runs = axes[axes.count - 2], runs.distance >= run.count
        else { return nil }
        return ColumnRuns(
            argument: argument, address: address, length: run.count, runs: runs, groups: axes.dropLast(2), rows: rows)
    }

    /// The loop dimensions of B's rows, and their distances in its address; what is left of the outermost is the batch.
    private var rightRows: [ColumnRuns.Axis]? {
        guard case .load(_, let address, nil) = right.instructions[rightValue].kind else { return nil }
        var rest = k, axes: [ColumnRuns.Axis] = []
        for dimension in (0..<right.innermost).reversed() where rest > 1 {
            let count = min(rest, right.extents[dimension])
            guard rest % count == 0, right.extents[dimension] % count == 0 else { return nil }
            axes.insert(.init(count: count, distance: address.terms[dimension] ?? 0), at: 0)
            rest /= count
        }
        return rest == 1 ? axes : nil
    }
}

extension LoopKernel {
    /// The axes that the columns of an address make up, outermost first; nil if it has other parts.
    fileprivate func columnAxes(_ address: IndexExpression) -> [ColumnRuns.Axis]? {
        let all = extents[innermost]
        var parts: [(part: ColumnPart, distance: Int)] = []
        for (number, coefficient) in address.dynamic {
            guard let part = columnPart(number) else { return nil }
            parts.append((part, coefficient))
        }
        parts.sort { $0.part.divisor > $1.part.divisor }
        // Each begins where the one outside of it ends.
        let ends = parts.map(\.part.modulus), begins = [all] + parts.map(\.part.divisor)
        guard ends == Array(begins.dropLast()), begins.last == 1 else { return nil }
        return parts.map { ColumnRuns.Axis(count: $0.part.modulus / $0.part.divisor, distance: $0.distance) }
    }

    /// What an instruction is of the column: (column mod `modulus`) / `divisor`.
    private struct ColumnPart {
        var modulus: Int, divisor: Int
    }

    private func columnPart(_ number: Int) -> ColumnPart? {
        switch instructions[number].kind {
        case .index(let expression):
            if expression == .dimension(innermost) { return ColumnPart(modulus: extents[innermost], divisor: 1) }
            guard let inner = expression.dynamic.first, expression == IndexExpression(dynamic: [inner.key: 1]) else {
                return nil
            }
            return columnPart(inner.key)
        case .compute(.quotient, let operands):
            guard let part = columnPart(operands[0]), let divisor = constant(operands[1]),
                part.modulus % (part.divisor * divisor) == 0
            else { return nil }
            return ColumnPart(modulus: part.modulus, divisor: part.divisor * divisor)
        case .compute(.remainder, let operands):
            guard let part = columnPart(operands[0]), let divisor = constant(operands[1]),
                part.modulus % (part.divisor * divisor) == 0
            else { return nil }
            return ColumnPart(modulus: part.divisor * divisor, divisor: part.divisor)
        default: return nil
        }
    }
}
