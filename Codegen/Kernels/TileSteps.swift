import ApusIR
import ApusLLVM

/// How tile registers go along the contracted axis of bf16 matmuls: some units of it, pairs of numbers, at a time.
package struct TileSteps: Hashable {
    /// Units of a step, and how many such steps there are.
    package let units: Int, count: Int
    /// Units that are left behind the whole steps: a step of its own, for which registers change their shapes.
    package let rest: Int

    /// Nil where sums are in vectors: for other elements and machines, and where runs are too short.
    ///
    /// - Parameters:
    ///   - units: Units of the contracted axis.
    ///   - run: Units that lie one after the other in the left operand; nil for all.
    package init?(_ element: ElementType, units all: Int, run: Int? = nil, _ target: TargetDescription) {
        guard element == .bf16, target.hasTileRegisters, all > 0 else { return nil }
        let most = TileShape.mostUnits, length = run ?? all
        guard all.isMultiple(of: length) else { return nil }
        let divisor = (1...min(most, length)).last { length.isMultiple(of: $0) } ?? 1
        if run == nil, all / most + Self.changeOfShapes < all / divisor, all % most > 0 {
            (units, count, rest) = (most, all / most, all % most)
        } else {
            // Short steps take as long as long ones; of one pair, vectors are as fast.
            guard divisor > 1 || all == 1 else { return nil }
            (units, count, rest) = (divisor, all / divisor, 0)
        }
    }

    /// Shapes of registers with which most blocks of so many rows find theirs.
    package func shape(rows: Int) -> TileShape { TileShape(rows: min(rows, TileShape.mostRows), units: units) }

    /// What it takes to change the shapes of registers and back, in steps: 75 ns each were measured, and 6 ns for each
    /// of a step's four products.
    private static let changeOfShapes = 6

    /// The height of register blocks, of one or two registers one above the other, with which all rows take the fewest
    /// steps.
    package static func rows(_ m: Int) -> Int {
        let most = 2 * TileShape.mostRows
        guard m > most else { return m }
        func cost(_ rows: Int) -> Double {
            switch m % rows {
            case 0: Double(m / rows)
            case ..<TileShape.mostRows: Double(m / rows) + 0.75
            case TileShape.mostRows: Double(m / rows) + 0.5
            default: Double(m / rows) + 1
            }
        }
        return (TileShape.mostRows + 1...most).min { (cost($0), -$0) < (cost($1), -$1) } ?? most
    }
}

extension MatmulKernel {
    func tileSteps(_ target: TargetDescription) -> TileSteps? {
        TileSteps(element, units: units, run: left.run == k ? nil : left.run / 2, target)
    }
}
