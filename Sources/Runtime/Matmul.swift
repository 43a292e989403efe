/// A matrix product, or many of one shape: C = A · B, where every matrix is given by its strides, in f32.
///
/// A is [m, k], B is [k, n], C is [m, n], all addressed by `row · rowStride + column · columnStride`; of the two
/// strides of a matrix one is 1. The batch axes come as extents with a stride for each matrix.
public struct Matmul: Sendable, Hashable, Codable {
    /// Where a matrix lies: its beginning and the distances of its elements, in elements.
    public struct Matrix: Sendable, Hashable, Codable {
        /// Where its first element lies.
        public var location: Location
        /// Distance between rows.
        public var rowStride: Int
        /// Distance between columns.
        public var columnStride: Int
        /// Distance between neighbouring matrices along each batch axis, in elements.
        public var batchStrides: [Int]

        /// A matrix at a location, with the distances of its elements.
        public init(location: Location, rowStride: Int, columnStride: Int, batchStrides: [Int]) {
            self.location = location
            self.rowStride = rowStride
            self.columnStride = columnStride
            self.batchStrides = batchStrides
        }

        package var transposed: Matrix {
            Matrix(location: location, rowStride: columnStride, columnStride: rowStride, batchStrides: batchStrides)
        }
    }

    /// Rows and columns of C, and the extent that is summed over.
    public var m: Int, n: Int, k: Int
    /// Extents of the batch axes; empty for one product.
    public var batch: [Int]
    /// The operands A [m, k] and B [k, n], and the result C [m, n].
    public var a: Matrix, b: Matrix, c: Matrix
    /// Whether large matrices are divided into tiles; otherwise each is one call of the library.
    package var isDivided = true

    /// A product of matrices at given places.
    public init(m: Int, n: Int, k: Int, batch: [Int], a: Matrix, b: Matrix, c: Matrix) {
        self.m = m
        self.n = n
        self.k = k
        self.batch = batch
        self.a = a
        self.b = b
        self.c = c
    }

    /// The same matmul as Bᵀ · Aᵀ = Cᵀ.
    public var transposed: Matmul {
        Matmul(m: n, n: m, k: k, batch: batch, a: b.transposed, b: a.transposed, c: c.transposed)
    }

    /// Whether the rows of C are contiguous, as the library writes them; otherwise those of the transposed matmul are.
    public var writesRows: Bool { c.columnStride == 1 || n == 1 }

    /// How many products there are.
    public var batchCount: Int { batch.reduce(1, *) }

    /// Tiles that one matrix is divided into, along its longer side. It depends on the shape alone, never on the number
    /// of threads, so that results do not either. Few are better: each packs an operand of its own.
    private var tilesPerMatrix: Int {
        if batchCount >= 8 || !isDivided { return 1 }
        let operations = 2 * m * n * k, many = operations / Self.largestTile
        // Two threads, or four, get as many each.
        return many > 4 ? (many + 3) / 4 * 4 : max(1, min(4, operations / Self.smallestTile))
    }

    /// The most threads that so few tiles are enough for.
    package static let mostThreads = 4

    /// Floating-point operations below which a tile is not worth the hand-over, and above which there should be more
    /// tiles.
    private static let smallestTile = 20_000_000, largestTile = 2_000_000_000

    typealias Pointers = (a: UnsafeMutableRawPointer, b: UnsafeMutableRawPointer, c: UnsafeMutableRawPointer)

    func run(_ pointers: Pointers, by library: MatmulLibrary, pool: WorkerPool) {
        // Multiples of 16 keep the library's inner kernels whole.
        func share(_ extent: Int) -> Int { max(16, ((extent + tilesPerMatrix - 1) / tilesPerMatrix + 15) / 16 * 16) }
        let rows = m >= n ? share(m) : m, columns = m >= n ? n : share(n)
        let rowTiles = (m + rows - 1) / rows, columnTiles = (n + columns - 1) / columns
        let (a, b, c) = (UnsafeSendable(pointers.a), UnsafeSendable(pointers.b), UnsafeSendable(pointers.c))
        pool.run(count: batchCount * rowTiles * columnTiles, grain: 1) { tiles, _ in
            for tile in tiles {
                let column = tile % columnTiles * columns, row = tile / columnTiles % rowTiles * rows
                let offsets = batchOffsets(tile / columnTiles / rowTiles)
                multiply(
                    by: library.multiply, rows: row..<min(row + rows, m), columns: column..<min(column + columns, n),
                    a: a.value.assumingMemoryBound(to: Float.self) + offsets.a,
                    b: b.value.assumingMemoryBound(to: Float.self) + offsets.b,
                    c: c.value.assumingMemoryBound(to: Float.self) + offsets.c)
            }
        }
    }

    private func batchOffsets(_ number: Int) -> (a: Int, b: Int, c: Int) {
        var rest = number, offsets = (a: 0, b: 0, c: 0)
        for axis in batch.indices.reversed() {
            let index = rest % batch[axis]
            rest /= batch[axis]
            offsets.a += index * a.batchStrides[axis]
            offsets.b += index * b.batchStrides[axis]
            offsets.c += index * c.batchStrides[axis]
        }
        return offsets
    }

    private func multiply(
        by multiply: MatmulLibrary.MultiplyFunction, rows: Range<Int>, columns: Range<Int>,
        a: UnsafePointer<Float>, b: UnsafePointer<Float>, c: UnsafeMutablePointer<Float>
    ) {
        multiply(
            CBLAS.rowMajor, transposition(self.a), transposition(self.b),
            CInt(rows.count), CInt(columns.count), CInt(k),
            1, a + rows.lowerBound * self.a.rowStride, leadingDimension(self.a, rows: m, columns: k),
            b + columns.lowerBound * self.b.columnStride, leadingDimension(self.b, rows: k, columns: n),
            0, c + rows.lowerBound * self.c.rowStride + columns.lowerBound * self.c.columnStride,
            leadingDimension(self.c, rows: m, columns: n))
    }

    /// A matrix whose columns are contiguous is the transpose of one whose rows are.
    private func isTransposed(_ matrix: Matrix) -> Bool { matrix.columnStride != 1 && matrix.rowStride == 1 }

    private func transposition(_ matrix: Matrix) -> CInt {
        isTransposed(matrix) ? CBLAS.transposed : CBLAS.notTransposed
    }

    /// The library wants at least the extent, also where there is only one row and the stride means nothing.
    private func leadingDimension(_ matrix: Matrix, rows: Int, columns: Int) -> CInt {
        isTransposed(matrix) ? CInt(max(matrix.columnStride, rows)) : CInt(max(matrix.rowStride, columns))
    }
}

/// The numbers that the interface of BLAS for C has for orders and transpositions.
private enum CBLAS {
    static let rowMajor: CInt = 101
    static let notTransposed: CInt = 111
    static let transposed: CInt = 112
}
