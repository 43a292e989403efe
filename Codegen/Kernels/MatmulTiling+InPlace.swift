/// Tiles of runs of columns that register blocks read where they lie: windows of images, of which few rows are made.
/// Packing them would take longer than multiplying what lies between the runs with them.
extension MatmulTiling {
    /// Columns that are not packed.
    package struct InPlace: Hashable {
        package let columns: ColumnRuns
        /// Runs of a tile; those at the end of a group may be fewer.
        package let perTile: Int

        /// Tiles of one group of runs, and of all.
        package var tilesPerGroup: Int { (columns.runs.count + perTile - 1) / perTile }
        package var columnTiles: Int { columns.groups.reduce(tilesPerGroup) { $0 * $1.count } }
        /// Runs of the last tile of a group.
        package var last: Int { columns.runs.count - (tilesPerGroup - 1) * perTile }

        /// Register blocks for so many runs and what lies between them; the last one ends where they end.
        package func blocks(_ runs: Int, block: Int) -> Int { (columns.span(runs: runs) + block - 1) / block }
    }

    /// How many times as fast as packed columns those in place have to be expected: where many rows are multiplied
    /// with them, both take as long as measured, and what is packed is read in order.
    static let neededGain = 1.25

    /// The fastest division into tiles of columns that are not packed; nil if they have to be.
    static func inPlace(
        _ kernel: MatmulKernel, _ shape: (rows: Int, vectors: Int, lanes: Int), strips: Int, batch: Int,
        _ tuning: Tuning
    ) -> (division: Division, runs: InPlace)? {
        guard let columns = kernel.columnRuns, columns.elements(runs: 1) < kernel.k * columns.length else { return nil }
        let block = shape.vectors * shape.lanes, units = kernel.units
        func runs(_ count: Int) -> InPlace { InPlace(columns: columns, perTile: count) }
        // The strip's sums stay in the first-level cache, and what all its rows are multiplied with in the second.
        func fits(_ count: Int) -> Bool {
            runs(count).blocks(count, block: block) * block * shape.rows * 4 <= tuning.stripBytes
                && columns.elements(runs: count) * 4 <= tuning.packedBytes
        }
        guard fits(1), let most = (1...columns.runs.count).last(where: fits) else { return nil }
        let groups = columns.groups.reduce(batch) { $0 * $1.count }
        let division = Division.fastest(
            strips: strips, widths: 1...most, all: columns.runs.count, batch: groups, tuning
        ) { strips, count in
            let runs = runs(count)
            guard columns.span(runs: runs.last) >= block else { return nil }
            // Half of the vectors cross from one line of the cache to the next.
            let vectors = runs.blocks(count, block: block) * shape.vectors
            return strips * units * (vectors * shape.rows + vectors / 2 + shape.rows / 2)
        }
        return division.duration < .infinity ? (division, runs(division.width)) : nil
    }
}
