import ApusIR
import ApusLLVM

/// How the work on one head is divided, and where in the thread's own memory everything lies, in bytes.
package struct AttentionTiling {
    /// Rows of queries whose probabilities are kept at a time; forward, they are a strip, whose sums are in registers.
    package let rows: Int, strip: Int
    /// Keys that are packed and attended to at a time.
    package let keysPerBlock: Int
    /// Whether gradients of keys and values are added up over several blocks of queries before they are written.
    package let addsUp: Bool
    /// Bytes from row to row of probabilities.
    package let probabilityRowBytes: Int
    /// Packed operands.
    package let keys: Int, values: Int, straightKeys: Int, queries: Int, seeds: Int
    /// Probabilities, the gradients of the scores of the same size, and, in bf16, these as rows of factors.
    package let probabilities: Int, scoreGradients: Int, factors: Int
    /// Bytes from row to row of factors in bf16.
    package let factorRowBytes: Int
    /// Forward, for each row that is at hand (or, if keys come in blocks, of the head) the largest score, and the sum
    /// of exponentials or one over it. Backward, rowsum(P ∘ D) of each row of the head.
    package let rowMaximum: Int, inverseSum: Int, means: Int
    /// Sums of a matmul with values.
    package let sums: Int
    /// Sums of gradients: of a block of queries, or of all of them if keys come in blocks; of a block of keys.
    package let querySums: Int, keySums: Int, valueSums: Int
    package let scratchBytes: Int

    /// Whether keys come in several blocks.
    package let isBlocked: Bool
    /// Whether sums of bf16 products are in tile registers.
    package let usesTileRegisters: Bool
    /// Whether a contraction along the keys goes to the end of a register block, whose last factors may be zeros.
    package let isPaddedAlongKeys: Bool
    /// In tile registers, bytes from row to row of queries or seeds whose columns have become rows.
    package let turnedRowBytes: Int

    package init(_ kernel: AttentionKernel, _ target: TargetDescription, _ tuning: Tuning) {
        let lanes = target.lanes(), columns = 2 * lanes
        usesTileRegisters = kernel.element == .bf16 && target.hasTileRegisters
        let strip = usesTileRegisters ? TileSteps.rows(kernel.n) : MatmulTiling.rows(kernel.n, vectors: 2, target)
        let isForward = kernel.isForward
        func padded(_ count: Int, _ multiple: Int) -> Int { (count + multiple - 1) / multiple * multiple }
        func even(_ count: Int, most: Int) -> Int {
            let parts = (count + most - 1) / most
            return (count + parts - 1) / parts
        }
        // Forward, sums over keys are carried from block to block (Milakov and Gimelshein 2018).
        let mostKeys = isForward ? tuning.attentionKeys : tuning.attentionGradientKeys
        let blockOfKeys = min(kernel.m, padded(even(kernel.m, most: mostKeys), min(columns, mostKeys)))
        // Where later keys are skipped, small blocks skip more.
        let most = kernel.isCausal ? tuning.attentionCausalRows : tuning.attentionRows
        let rows = isForward ? strip : even(kernel.n, most: max(strip, most))
        // A cache line more than a power of two keeps rows out of each other's way.
        probabilityRowBytes = padded(blockOfKeys, columns) * 4 + tuning.lineBytes
        self.rows = rows
        self.strip = strip
        keysPerBlock = blockOfKeys
        isBlocked = blockOfKeys < kernel.m

        var end = 0
        func take(_ isNeeded: Bool, _ bytes: Int) -> Int {
            defer { end += isNeeded ? padded(bytes, 64) : 0 }
            return end
        }
        let usesTileRegisters = usesTileRegisters
        func packed(_ k: Int, _ n: Int) -> Int { padded(n, columns) * (kernel.element == .bf16 ? (k + 1) / 2 : k) * 4 }
        // The contracted axis of keys may end within a register block of causal scores, a step of tile registers, or a
        // pair that no vector of keys fills.
        isPaddedAlongKeys = kernel.isCausal || usesTileRegisters || kernel.element == .bf16 && lanes == 1
        let keysInBlocks = padded(blockOfKeys, columns), paddedKeys = isPaddedAlongKeys ? keysInBlocks : blockOfKeys
        func overKeys(_ n: Int) -> Int { packed(paddedKeys, n) }
        func wants(_ part: AttentionGradient.Part) -> Bool {
            kernel.results.contains { $0.quantity == .gradient(part) }
        }
        let (q, k, v) = (wants(.queries), wants(.keys), wants(.values))
        addsUp = (k || v) && (rows < kernel.n || kernel.isCausal)
        keys = take(true, packed(kernel.d, blockOfKeys))
        values = take(isForward || q || k, isForward ? overKeys(kernel.e) : packed(kernel.e, blockOfKeys))
        straightKeys = take(q, overKeys(kernel.d))
        // Tile registers contract whole steps of queries, of which the last may be zeros.
        let paddedRows = usesTileRegisters && !isForward ? padded(rows, columns) : rows
        let turnedRowBytes = paddedRows * 2 + tuning.lineBytes
        self.turnedRowBytes = turnedRowBytes
        func alongQueries(_ width: Int) -> Int {
            usesTileRegisters ? padded(width, lanes) * turnedRowBytes : packed(rows, width)
        }
        queries = take(k, alongQueries(kernel.d))
        seeds = take(v, alongQueries(kernel.e))
        probabilities = take(true, paddedRows * probabilityRowBytes)
        scoreGradients = take(q || k, paddedRows * probabilityRowBytes)
        factorRowBytes = padded(blockOfKeys, columns) * 2 + tuning.lineBytes
        factors = take(q && kernel.element == .bf16, rows * factorRowBytes)
        rowMaximum = take(isForward, (isBlocked ? kernel.n : strip) * 4)
        inverseSum = take(isForward, (isBlocked ? kernel.n : strip) * 4)
        means = take(q || k, kernel.n * 4)
        let sumRows = isBlocked ? kernel.n : rows
        sums = take(isForward, sumRows * padded(kernel.e, columns) * 4)
        querySums = take(q, sumRows * padded(kernel.d, columns) * 4)
        let summedKeys = usesTileRegisters ? keysInBlocks : blockOfKeys
        keySums = take(k, summedKeys * padded(kernel.d, columns) * 4)
        valueSums = take(v, summedKeys * padded(kernel.e, columns) * 4)
        scratchBytes = end
    }
}
