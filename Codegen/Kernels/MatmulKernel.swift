import ApusIR

/// Matrix products C = f(A · B) of one shape, with what comes before and after them inside.
///
/// A [m, k] is read where it lies; its rows are contiguous, or runs that are. B [k, n] is computed by `right`, the
/// prologue, while it is packed, a tile of columns at a time. What becomes of the sums is said by `epilogue`.
package struct MatmulKernel: Hashable {
    package var batch: [Int]
    package var m: Int, n: Int, k: Int
    /// f32, or bf16 with sums in f32.
    package var element: ElementType
    package var left: Left
    /// The prologue: one element of B. Its rows are the contracted axis and its columns those of C, or the other way
    /// round.
    package var right: LoopKernel
    /// The instruction of `right` that is the element.
    package var rightValue: Int
    /// Whether B is computed along the contracted axis, and transposed while it is packed.
    package var transposesRight: Bool
    /// The epilogue: what is done with each sum; rows and columns are those of C.
    package var epilogue: LoopKernel

    /// Where A lies, in elements.
    package struct Left: Hashable {
        package var offset: Int
        package var rowStride: Int
        package var batchStrides: [Int]
        /// Elements of a row that lie one after the other, and the distance of such runs; a row may be one of them.
        package var run: Int, runStride: Int
    }

    package var batchCount: Int { batch.reduce(1, *) }
    package var floatingPointOperations: Int { 2 * batchCount * m * n * k }
    /// Multiplication steps along the contracted axis, of 32 bits each: one f32, or two bf16.
    package var units: Int { element == .bf16 ? k / 2 : k }
}

extension MatmulKernel: CustomStringConvertible {
    private var leftColumn: String {
        left.run == k ? "k" : "\(left.runStride)*(k / \(left.run)) + k % \(left.run)"
    }

    package var description: String {
        """
        matmul \(m)x\(n)x\(k) of \(batch) \(element), left a[\(left.offset) + \(left.rowStride)*row + \(leftColumn), batch \(left.batchStrides)]
        right\(transposesRight ? ", transposed" : "") = %\(rightValue) of \(right)
        epilogue \(epilogue)
        """
    }
}
