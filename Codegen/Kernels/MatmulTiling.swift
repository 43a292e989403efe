import ApusLLVM

/// How a matmul is divided: into register blocks inside, into tiles for threads outside. Results do not depend on it:
/// each element is one sum over the contracted axis, whichever tile it belongs to.
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
    /// How tile registers go along the contracted axis; nil where sums are in vectors.
    package let tileSteps: TileSteps?

    /// Columns of a register block.
    package var blockColumns: Int { vectors * lanes }
    package var blocksPerTile: Int { columnsPerTile / blockColumns }
    /// How the right operand lies in memory, if it lies as it would be packed.
    package let packedBefore: ColumnBlocks?
    /// Runs of columns that are read where they lie, without being packed.
    package let inPlace: InPlace?
    /// Bytes of the sums of a strip: of the rows of a register block, in all columns of the tile.
    package var sumBytes: Int { rows * columnsPerTile * 4 + (inPlace == nil ? 0 : blockColumns * 4) }
    /// Bytes of the packed columns of a tile.
    package var packedBytes: Int { packedBefore == nil && inPlace == nil ? columnsPerTile * units * 4 : 0 }
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
        tileSteps = kernel.tileSteps(target)
        rows = tileSteps == nil ? Self.rows(m, vectors: vectors, target) : TileSteps.rows(m)

        let block = vectors * lanes, blocks = (n + block - 1) / block, strips = (m + rows - 1) / rows
        let fitting = max(1, min(tuning.packedBytes / (units * 4 * block), tuning.stripBytes / (rows * block * 4)))
        let columnBlocks = kernel.columnBlocks, isPacked = columnBlocks?.columns == block
        let division = Division.fastest(
            strips: strips, widths: 1...min(blocks, fitting), all: blocks, batch: batch, tuning
        ) { [rows, vectors, units] strips, blocks in
            let packed = isPacked ? 0 : units * blocks * vectors
            return strips * units * (blocks * rows * vectors + rows / 2) + packed * tuning.packingCost
        }
        let shape = (rows: rows, vectors: vectors, lanes: lanes)
        if !isPacked, let (found, runs) = Self.inPlace(kernel, shape, strips: strips, batch: batch, tuning),
            found.duration * Self.neededGain < division.duration
        {
            (inPlace, packedBefore) = (runs, nil)
            columnsPerTile = runs.blocks(runs.perTile, block: block) * block
            columnTiles = runs.columnTiles
            rowsPerTile = min(found.strips * rows, m)
        } else {
            (inPlace, packedBefore) = (nil, isPacked ? columnBlocks : nil)
            columnsPerTile = division.width * block
            columnTiles = (n + columnsPerTile - 1) / columnsPerTile
            rowsPerTile = min(division.strips * rows, m)
        }
        rowTiles = (m + rowsPerTile - 1) / rowsPerTile
        tiles = batch * columnTiles * rowTiles

        let lanes = lanes
        tableColumns = kernel.transposesRight ? (kernel.k + 2 * lanes - 1) / (2 * lanes) * 2 * lanes : columnsPerTile
        tableBytes = (isPacked || inPlace != nil ? [] : kernel.right.columnPlaces).reduce(0) { [tableColumns] in
            $0 + $1.tableBytes(columns: tableColumns, lanes: lanes)
        }
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
        // Of equal ones, that with the fullest last block: packed columns pass by for few rows as for many.
        func last(_ rows: Int) -> Int { (m - 1) % rows + 1 }
        return heights.min { (total($0), -last($0)) < (total($1), -last($1)) } ?? 1
    }
}

extension MatmulTiling {
    /// So many strips of rows, and register blocks, or runs, of columns for a tile.
    struct Division {
        var strips: Int, width: Int
        /// When the last thread is done, in vector multiply-adds.
        var duration: Double

        /// The division with which threads that take one tile after another are done soonest. The smaller tiles are,
        /// the less a thread waits for the last one, and the more often columns are packed.
        ///
        /// - Parameters:
        ///   - widths: Of tiles; `all` is that of a whole matrix.
        ///   - cost: What a tile of so many strips and of such a width takes, in vector multiply-adds; nil where there
        ///     is no such tile.
        static func fastest(
            strips: Int, widths: ClosedRange<Int>, all: Int, batch: Int, _ tuning: Tuning, cost: (Int, Int) -> Int?
        ) -> Division {
            var best = Division(strips: strips, width: widths.upperBound, duration: .infinity)
            for width in widths.reversed() {
                for parts in 1...strips {
                    let height = (strips + parts - 1) / parts
                    let tiles = batch * ((all + width - 1) / width) * ((strips + height - 1) / height)
                    let rounds = Double((tiles + tuning.threads - 1) / tuning.threads)
                    let late = min(tiles, tuning.threads) > 1 ? tuning.lateness : 0
                    guard let cost = cost(height, width) else { break }
                    let duration = (rounds + late) * Double(cost + tuning.tileCost)
                    if duration < best.duration { best = Division(strips: height, width: width, duration: duration) }
                    if tiles > 64 * tuning.threads { break }
                }
            }
            return best
        }
    }
}
