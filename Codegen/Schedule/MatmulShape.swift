import ApusIR
import ApusRuntime

/// A `Dot` seen as a batch of matrix products: which axes are rows, columns and batch.
package struct MatmulShape {
    package let m: Int, n: Int, k: Int
    package let batch: [Int]
    private let dot: Dot
    private let shapes: [[Int]]
    private let resultShape: [Int]

    package init(_ graph: Graph, _ value: Value) {
        guard let dot = graph[value].operation as? Dot else { preconditionFailure("\(value) is not a contraction") }
        self.dot = dot
        shapes = graph[value].operands.map { graph[$0].type.shape }
        resultShape = graph[value].type.shape
        let (left, right) = (shapes[0], shapes[1])
        m = dot.leftFree(left.count).map { left[$0] }.reduce(1, *)
        n = dot.rightFree(right.count).map { right[$0] }.reduce(1, *)
        k = dot.leftContracting.map { left[$0] }.reduce(1, *)
        batch = dot.leftBatch.map { left[$0] }
    }

    /// Extents of the free axes of an operand, and of the contracted ones in the order of the left operand.
    package func free(_ side: Int) -> [Int] {
        (side == 0 ? dot.leftFree(shapes[0].count) : dot.rightFree(shapes[1].count)).map { shapes[side][$0] }
    }
    package var contracting: [Int] { dot.leftContracting.map { shapes[0][$0] } }

    /// The index of an operand's element from those along its batch, free and contracted axes.
    package func index<Index>(_ side: Int, batch: [Index], free: [Index], contracting: [Index]) -> [Index] {
        let isLeft = side == 0
        let axes =
            isLeft
            ? dot.leftBatch + dot.leftFree(shapes[0].count) + dot.leftContracting
            : dot.rightBatch + dot.rightFree(shapes[1].count) + dot.rightContracting
        return zip(axes, batch + free + contracting).sorted { $0.0 < $1.0 }.map(\.1)
    }

    /// An operand with these strides as a matrix, the left one (side 0) [m, k], the right one [k, n]; nil if it is
    /// none.
    package func matrix(_ side: Int, strides: [Int]) -> Matmul.Matrix? {
        let shape = shapes[side]
        let isLeft = side == 0
        let free = isLeft ? dot.leftFree(shape.count) : dot.rightFree(shape.count)
        let contracting = isLeft ? dot.leftContracting : dot.rightContracting
        let batchAxes = isLeft ? dot.leftBatch : dot.rightBatch
        return matrix(
            shape, strides, rows: isLeft ? free : contracting, columns: isLeft ? contracting : free, batch: batchAxes)
    }

    /// An operand with these strides as rows along the contracted axis, each of them one run or runs at one distance;
    /// nil if it is none. The runs of several are no shorter than `shortestRun`.
    package func rows(_ side: Int, strides: [Int], shortestRun: Int) -> MatmulKernel.Left? {
        let shape = shapes[side], isLeft = side == 0
        let free = isLeft ? dot.leftFree(shape.count) : dot.rightFree(shape.count)
        let contracting = isLeft ? dot.leftContracting : dot.rightContracting
        guard let row = mergedStride(free.map { shape[$0] }, free.map { strides[$0] }) else { return nil }
        func group(_ axes: ArraySlice<Int>) -> (extent: Int, stride: Int?) {
            (axes.map { shape[$0] }.reduce(1, *), mergedStride(axes.map { shape[$0] }, axes.map { strides[$0] }))
        }
        for first in 0...contracting.count {
            let outer = group(contracting[..<first]), inner = group(contracting[first...])
            guard inner.stride == 1, let distance = outer.stride, outer.extent == 1 || inner.extent >= shortestRun
            else { continue }
            return MatmulKernel.Left(
                offset: 0, rowStride: row, batchStrides: (isLeft ? dot.leftBatch : dot.rightBatch).map { strides[$0] },
                run: inner.extent, runStride: outer.extent == 1 ? 0 : distance)
        }
        return nil
    }

    /// The result with these strides as a matrix [m, n].
    package func result(strides: [Int]) -> Matmul.Matrix? {
        let firstColumn = batch.count + dot.leftFree(shapes[0].count).count
        return matrix(
            resultShape, strides, rows: Array(batch.count..<firstColumn),
            columns: Array(firstColumn..<resultShape.count),
            batch: Array(batch.indices))
    }

    private func matrix(_ shape: [Int], _ strides: [Int], rows: [Int], columns: [Int], batch: [Int]) -> Matmul.Matrix? {
        guard let row = mergedStride(rows.map { shape[$0] }, rows.map { strides[$0] }),
            let column = mergedStride(columns.map { shape[$0] }, columns.map { strides[$0] })
        else { return nil }
        let rowCount = rows.map { shape[$0] }.reduce(1, *), columnCount = columns.map { shape[$0] }.reduce(1, *)
        let byRows = column == 1 && (row >= columnCount || rowCount == 1)
        let byColumns = row == 1 && (column >= rowCount || columnCount == 1)
        guard byRows || byColumns else { return nil }
        return Matmul.Matrix(
            location: Location(.arena), rowStride: row, columnStride: column, batchStrides: batch.map { strides[$0] })
    }
}
