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

    package init(_ kernel: AttentionKernel, _ target: TargetDescription, _ tuning: Tuning) {
        let lanes = target.lanes(), columns = 2 * lanes
        let strip = MatmulTiling.rows(kernel.n, vectors: 2, target), isForward = kernel.isForward
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
        func packed(_ k: Int, _ n: Int) -> Int { padded(n, columns) * (kernel.element == .bf16 ? (k + 1) / 2 : k) * 4 }
        // The contracted axis of keys may end within a register block of causal scores.
        func overKeys(_ n: Int) -> Int {
            packed(kernel.isCausal ? padded(blockOfKeys, columns) : blockOfKeys, n)
        }
        func wants(_ part: AttentionGradient.Part) -> Bool {
            kernel.results.contains { $0.quantity == .gradient(part) }
        }
        let (q, k, v) = (wants(.queries), wants(.keys), wants(.values))
        addsUp = (k || v) && (rows < kernel.n || kernel.isCausal)
        keys = take(true, packed(kernel.d, blockOfKeys))
        values = take(isForward || q || k, isForward ? overKeys(kernel.e) : packed(kernel.e, blockOfKeys))
        straightKeys = take(q, overKeys(kernel.d))
        queries = take(k, packed(rows, kernel.d))
        seeds = take(v, packed(rows, kernel.e))
        probabilities = take(true, rows * probabilityRowBytes)
        scoreGradients = take(q || k, rows * probabilityRowBytes)
        factorRowBytes = padded(blockOfKeys, columns) * 2 + tuning.lineBytes
        factors = take(q && kernel.element == .bf16, rows * factorRowBytes)
        rowMaximum = take(isForward, (isBlocked ? kernel.n : strip) * 4)
        inverseSum = take(isForward, (isBlocked ? kernel.n : strip) * 4)
        means = take(q || k, kernel.n * 4)
        let sumRows = isBlocked ? kernel.n : rows
        sums = take(isForward, sumRows * padded(kernel.e, columns) * 4)
        querySums = take(q, sumRows * padded(kernel.d, columns) * 4)
        keySums = take(k, blockOfKeys * padded(kernel.d, columns) * 4)
        valueSums = take(v, blockOfKeys * padded(kernel.e, columns) * 4)
        scratchBytes = end
    }
}
