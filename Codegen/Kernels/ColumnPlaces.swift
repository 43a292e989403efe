import ApusIR

/// The part of an address that depends on the column alone and is no multiple of it, as where columns count the places
/// of windows in rows of images: the same for all rows, so that it is computed once and kept in a table.
package struct ColumnPlaces: Hashable {
    /// In elements; of the innermost dimension and of instructions that depend on nothing else.
    package var expression: IndexExpression
    /// Columns that lie at one distance, counted from each multiple of this number; 1 if none do.
    package var run: Int
    /// That distance: few elements, or 1 without runs.
    package var step: Int

    /// Most vectors that the runs of a vector are read by; with more of them, each lane is read by itself.
    private static let mostReads = 4
    /// The longest distance in a run.
    fileprivate static let longestStep = 2

    /// The runs of which a vector that starts at a multiple of its lanes may consist; 0 if each lane is read by itself.
    package func runs(lanes: Int) -> Int {
        guard run > 1 else { return 0 }
        if run % lanes == 0 { return 1 }
        let count = lanes % run == 0 ? lanes / run : (lanes + run - 2) / run + 1
        return count * step > Self.mostReads ? 0 : count
    }

    /// Bytes of the table for so many columns, a multiple of the lanes.
    package func tableBytes(columns: Int, lanes: Int) -> Int { (columns + columns / lanes * runs(lanes: lanes)) * 4 }
}

extension LoopKernel {
    /// The part of an address that a table can hold; nil if the address is a multiple of the column, or needs more than
    /// the column.
    package func columnPlaces(of address: IndexExpression) -> ColumnPlaces? {
        let depends = columnDependence
        let parts = address.dynamic.filter { depends[$0.key] }
        guard !parts.isEmpty, parts.keys.allSatisfy(isOfColumn) else { return nil }
        let terms = address.terms.filter { $0.key == innermost }
        // A remainder counts neighbours, or what lies as far apart as its coefficient says.
        let runs = parts.compactMap { number, coefficient -> (length: Int, step: Int)? in
            guard 1...ColumnPlaces.longestStep ~= coefficient, terms.isEmpty,
                case .compute(.remainder, let operands) = instructions[number].kind,
                let divisor = constant(operands[1]), isColumn(operands[0], modulo: divisor)
            else { return nil }
            return (divisor, coefficient)
        }
        let run = runs.count == 1 ? runs[0] : (length: 1, step: 1)
        return ColumnPlaces(
            expression: IndexExpression(terms: terms, dynamic: parts), run: run.length, step: run.step)
    }

    /// The number of an instruction that is one.
    func constant(_ number: Int) -> Int? {
        guard case .constant(let bits) = instructions[number].kind else { return nil }
        return Int(Double(bitPattern: bits))
    }

    /// Whether an index is the column, or leaves the same remainder.
    private func isColumn(_ number: Int, modulo divisor: Int) -> Bool {
        guard case .index(let expression) = instructions[number].kind else { return false }
        if expression == .dimension(innermost) { return true }
        guard let inner = expression.dynamic.first, expression == IndexExpression(dynamic: [inner.key: 1]),
            case .compute(.remainder, let operands) = instructions[inner.key].kind,
            let period = constant(operands[1]), period % divisor == 0
        else { return false }
        return isColumn(operands[0], modulo: period)
    }

    /// Whether an instruction depends on the column alone.
    private func isOfColumn(_ number: Int) -> Bool {
        switch instructions[number].kind {
        case .constant: true
        case .index(let expression):
            expression.terms.keys.allSatisfy { $0 == innermost } && expression.dynamic.keys.allSatisfy(isOfColumn)
        case .compute(_, let operands): operands.allSatisfy(isOfColumn)
        case .load, .reduce, .matmul, .random: false
        }
    }

    /// All different ones of the loads, in order.
    package var columnPlaces: [ColumnPlaces] {
        var found: [ColumnPlaces] = []
        for case .load(_, let address, nil) in instructions.map(\.kind) {
            guard let places = columnPlaces(of: address) else { continue }
            if !found.contains(places) { found.append(places) }
        }
        return found
    }
}
