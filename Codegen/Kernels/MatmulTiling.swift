import ApusLLVM

/// How a matmul is divided: into register blocks inside, into tiles for threads outside. It follows from shape and
/// machine alone, never from the number of threads, so that results do not depend on that either.
package struct MatmulTiling: Hashable {
    /// Rows of a register block.
    package let rows: Int
    /// Vectors that a row of a register block consists of.
    package let vectors: Int
    package let lanes: Int
    package let columnsPerTile: Int, columnTiles: Int
    package let rowsPerTile: Int, rowTiles: Int
    package let tiles: Int
    private let units: Int

    /// Columns of a register block.
    package var blockColumns: Int { vectors * lanes }
    package var blocksPerTile: Int { columnsPerTile / blockColumns }
    /// Bytes of the sums of a strip: of the rows of a register block, in all columns of the tile.
    package var sumBytes: Int { rows * columnsPerTile * 4 }
    /// Bytes of the packed columns of a tile.
    package var packedBytes: Int { columnsPerTile * units * 4 }
    /// Memory that a thread needs: the sums of a strip, the packed columns of a tile, and tables of their places.
    package var scratchBytes: Int { sumBytes + packedBytes + tableBytes }
    /// Columns of those tables: what is packed along.
    package let tableColumns: Int
    private let tableBytes: Int

    package init(_ kernel: MatmulKernel, _ target: TargetDescription, _ tuning: Tuning) {
        let (m, n, batch) = (kernel.m, kernel.n, kernel.batchCount)
        lanes = target.lanes()
        units = kernel.units
        vectors = n <= lanes ? 1 : 2
        rows = Self.rows(m, vectors: vectors, target)

        let block = vectors * lanes, blocks = (n + block - 1) / block
        let wanted = max(1, min(tuning.fewestTiles, kernel.floatingPointOperations / tuning.smallestTile))
        let fitting = max(1, min(tuning.packedBytes / (units * 4 * block), tuning.stripBytes / (rows * block * 4)))
        columnsPerTile =
            Self.evenWidth(blocks, most: min(blocks, fitting, max((blocks * batch + wanted - 1) / wanted, 3))) * block
        columnTiles = (n + columnsPerTile - 1) / columnsPerTile

        // Each tile of rows packs the columns anew: that pays for 4 strips, and for 2 where threads would have no work
        // otherwise.
        let tilesOfOneRow = columnTiles * batch
        let tilesOfRows = max(
            1,
            min(
                wanted / tilesOfOneRow, max(m / (4 * rows), min(m / (2 * rows), tuning.tilesForThreads / tilesOfOneRow))
            ))
        rowsPerTile = tilesOfRows == 1 ? m : ((m + tilesOfRows - 1) / tilesOfRows + rows - 1) / rows * rows
        rowTiles = (m + rowsPerTile - 1) / rowsPerTile
        tiles = batch * columnTiles * rowTiles

        let lanes = lanes
        tableColumns = kernel.transposesRight ? (kernel.k + 2 * lanes - 1) / (2 * lanes) * 2 * lanes : columnsPerTile
        tableBytes = kernel.right.columnPlaces.reduce(0) { [tableColumns] in
            $0 + $1.tableBytes(columns: tableColumns, lanes: lanes)
        }
    }

    /// The width, in register blocks, that leaves the last of equal tiles as full as can be, so that threads end at the
    /// same time; not far below the most that a tile may have.
    private static func evenWidth(_ blocks: Int, most: Int) -> Int {
        func missing(_ width: Int) -> Int { (blocks + width - 1) / width * width - blocks }
        return (max(min(most, 2), most / 2)...most).min { (missing($0), -$0) < (missing($1), -$1) } ?? most
    }

    /// The height of register blocks with which all rows take the fewest cycles: their sums, the columns and a factor
    /// are in registers.
    static func rows(_ m: Int, vectors: Int, _ target: TargetDescription) -> Int {
        let most = (target.vectorRegisters - vectors - 2) / vectors
        // A block of r rows takes r · vectors multiply-adds a step, no fewer than hide the latency of one: two a cycle,
        // for four cycles, on Zen 3 to 5. What the loop takes beside them was fitted to measured matmuls.
        let latencyHidingOperations = 8, loopOverhead = 1.5
        func cycles(_ rows: Int) -> Double {
            rows == 0 ? 0 : Double(max(rows * vectors, latencyHidingOperations)) + loopOverhead
        }
        let heights = max(1, min(most, m) * 2 / 3)...max(1, min(most, m))
        func total(_ rows: Int) -> Double { Double(m / rows) * cycles(rows) + cycles(m % rows) }
        return heights.min { (total($0), -$0) < (total($1), -$1) } ?? 1
    }
}
