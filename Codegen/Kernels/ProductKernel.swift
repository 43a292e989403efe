import ApusIR

/// Matrix products C = f(A · B) of one shape, with what comes before and after them inside.
///
/// A [m, k] is read where it lies; its rows are contiguous. B [k, n] is computed by `right` while it is packed, a tile
/// of columns at a time. What becomes of the sums is said by `result`.
package struct ProductKernel: Hashable {
    package var batch: [Int]
    package var m: Int, n: Int, k: Int
    /// f32, or bf16 with sums in f32.
    package var element: ElementType
    package var left: Left
    /// One element of B. Its rows are the contracted axis and its columns those of C, or the other way round.
    package var right: LoopKernel
    /// The instruction of `right` that is the element.
    package var rightValue: Int
    /// Whether B is computed along the contracted axis, and turned round while it is packed.
    package var turnsRight: Bool
    /// What is done with each sum; rows and columns are those of C.
    package var result: LoopKernel

    /// Where A lies, in elements.
    package struct Left: Hashable {
        package var offset: Int
        package var rowStride: Int
        package var batchStrides: [Int]
    }

    package var batchCount: Int { batch.reduce(1, *) }
    package var floatingPointOperations: Int { 2 * batchCount * m * n * k }
    /// Multiplication steps along the contracted axis, of 32 bits each: one f32, or two bf16.
    package var units: Int { element == .bf16 ? k / 2 : k }
}

extension ProductKernel: CustomStringConvertible {
    package var description: String {
        """
        product \(m)x\(n)x\(k) of \(batch) \(element), left a[\(left.offset) + \(left.rowStride)*row + k, batch \(left.batchStrides)]
        right\(turnsRight ? ", turned" : "") = %\(rightValue) of \(right)
        result \(result)
        """
    }
}
