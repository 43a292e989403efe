import ApusIR
import ApusLLVM

/// Register blocks of bf16 in tile registers: one or two of them one above the other, and one or two side by side.
///
/// A kernel's function gives the registers the shapes that most of its blocks need; blocks of other shapes change them
/// for themselves.
extension RegisterBlock {
    /// Registers of sums come first, then two of left and two of right factors.
    private static let (sums, lefts, rights) = (4, 2, 2)

    /// How a matmul goes along the contracted axis in tile registers; nil where its sums are in vectors.
    func tileSteps(units: Int, run: Run? = nil) -> TileSteps? {
        TileSteps(element, units: units, run: run?.units, module.target)
    }

    /// Gives the registers shapes for the blocks that follow.
    func configureTiles() {
        if let tiles { configure(tiles) }
    }

    /// Gives the registers back.
    func releaseTiles() {
        if tiles != nil { builder.releaseTiles() }
    }

    private func configure(_ shape: TileShape) {
        builder.configureTiles(shape, sums: Self.sums, lefts: Self.lefts, rights: Self.rights)
    }

    /// The body of a function that multiplies some rows with packed columns.
    ///
    /// Of more than 16 rows those of the second register may be in the first as well: their sums are the same there.
    func emitTileBody(
        rows: Int, _ function: Function, rowBytes: Int, _ steps: TileSteps, used: LLVMValue?, run: Run?,
        targetRowBytes: Int, isAdding: Bool, ahead: [Stream]
    ) {
        let (left, packed, target) = (function.parameters[0], function.parameters[1], function.parameters[2])
        let firstRows = rows > TileShape.mostRows ? [0, rows - TileShape.mostRows] : [0]
        let registers = firstRows.indices.flatMap { row in (0..<vectors).map { (row, $0) } }
        func number(_ register: (row: Int, vector: Int)) -> Int { register.row * vectors + register.vector }
        func place(_ register: (row: Int, vector: Int)) -> Int {
            firstRows[register.row] * targetRowBytes + register.vector * vectorBytes
        }
        func load() {
            for register in registers {
                builder.loadTile(number(register), target, byteOffset: place(register), rowBytes: targetRowBytes)
            }
        }
        func store() {
            for register in registers {
                builder.storeTile(number(register), target, byteOffset: place(register), rowBytes: targetRowBytes)
            }
        }
        func step(_ left: LLVMValue, _ packed: LLVMValue) {
            for (row, first) in firstRows.enumerated() {
                let factors = Self.sums + row
                builder.loadTile(factors, left, byteOffset: first * rowBytes, rowBytes: rowBytes)
                for vector in 0..<vectors {
                    let columns = Self.sums + Self.lefts + vector
                    if row == 0 {
                        builder.loadTile(columns, packed, byteOffset: vector * vectorBytes, rowBytes: unitBytes)
                        // Those of the next step are asked for: a register waits for all of its rows.
                        for unit in steps.units..<2 * steps.units {
                            let place = integer(unit * unitBytes + vector * vectorBytes)
                            builder.prefetch(packed, byteOffset: place, forWriting: false)
                        }
                    }
                    builder.multiplyTiles(number((row, vector)), factors, columns)
                }
            }
        }
        /// Where a step begins in the rows of the left operand.
        func offset(_ step: LLVMValue) -> LLVMValue {
            guard let run else { return builder.mul(step, integer(4 * steps.units)) }
            let perRun = integer(run.units / steps.units)
            return builder.add(
                builder.mul(builder.udiv(step, perRun), integer(run.bytes)),
                builder.mul(builder.urem(step, perRun), integer(4 * steps.units)))
        }

        let shape = steps.shape(rows: rows)
        if shape != tiles { configure(shape) }
        if isAdding { load() } else { for register in registers { builder.zeroTile(number(register)) } }
        let count = used.map { builder.udiv($0, integer(steps.units)) } ?? integer(steps.count)
        inTurns(count, rows: rows, function, ahead) { first, last, _ in
            builder.loop(from: first, to: last, step: integer(1)) { number, _ in
                step(
                    builder.offset(left, bytes: offset(number)),
                    builder.offset(packed, bytes: builder.mul(number, integer(steps.units * unitBytes))))
                return []
            }
        }
        store()
        if steps.rest > 0 {
            configure(TileShape(rows: shape.rows, units: steps.rest))
            load()
            step(
                builder.offset(left, bytes: integer(steps.count * steps.units * 4)),
                builder.offset(packed, bytes: integer(steps.count * steps.units * unitBytes)))
            store()
        }
        if steps.rest > 0 || shape != tiles { configureTiles() }
        builder.ret()
    }
}
