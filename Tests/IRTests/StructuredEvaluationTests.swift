import ApusIR
import Testing

@Suite struct ShapeEvaluationTests {
    private let matrix = tensor([2, 3], [1, 2, 3, 4, 5, 6])

    @Test func leaves() throws {
        try expect(Constant(TensorType(.f32, [2]), splat: 1.5), gives: tensor([2], [1.5, 1.5]))
        try expect(Constant(TensorType(.i32, [2]), values: [3, -4]), gives: tensor([2], [3, -4], .i32))
        try expect(Iota(TensorType(.i32, [2, 3]), axis: 0), gives: tensor([2, 3], [0, 0, 0, 1, 1, 1], .i32))
        try expect(Iota(TensorType(.f32, [2, 3]), axis: 1), gives: tensor([2, 3], [0, 1, 2, 0, 1, 2]))
    }

    @Test func reshapeKeepsTheOrder() throws {
        try expect(Reshape([3, 1, 2]), matrix, gives: tensor([3, 1, 2], [1, 2, 3, 4, 5, 6]))
    }

    @Test func transposeMovesAxes() throws {
        try expect(Transpose([1, 0]), matrix, gives: tensor([3, 2], [1, 4, 2, 5, 3, 6]))
        // [a, b, c] -> [c, a, b]
        let cube = tensor([2, 1, 3], [1, 2, 3, 4, 5, 6])
        try expect(Transpose([2, 0, 1]), cube, gives: tensor([3, 2, 1], [1, 4, 2, 5, 3, 6]))
    }

    @Test func broadcastStretchesAndAddsAxes() throws {
        try expect(Broadcast(shape: [2, 2], axes: [0]), tensor([2], [7, 8]), gives: tensor([2, 2], [7, 7, 8, 8]))
        try expect(Broadcast(shape: [2, 2], axes: [1]), tensor([2], [7, 8]), gives: tensor([2, 2], [7, 8, 7, 8]))
        try expect(
            Broadcast(shape: [2, 2, 2], axes: [0, 2]), tensor([1, 2], [7, 8]),
            gives: tensor([2, 2, 2], [7, 8, 7, 8, 7, 8, 7, 8]))
        try expect(Broadcast(shape: [3], axes: []), tensor([], [7]), gives: tensor([3], [7, 7, 7]))
    }

    @Test func sliceTakesEveryStep() throws {
        let row = tensor([7], [0, 1, 2, 3, 4, 5, 6])
        try expect(Slice(starts: [1], limits: [7], steps: [2]), row, gives: tensor([3], [1, 3, 5]))
        try expect(Slice(starts: [1], limits: [6], steps: [2]), row, gives: tensor([3], [1, 3, 5]))
        try expect(Slice(starts: [0], limits: [7], steps: [3]), row, gives: tensor([3], [0, 3, 6]))
        try expect(Slice(starts: [6], limits: [7], steps: [5]), row, gives: tensor([1], [6]))
        try expect(
            Slice(starts: [0, 1], limits: [2, 3], steps: [1, 1]), matrix, gives: tensor([2, 2], [2, 3, 5, 6]))
    }

    @Test func padPutsZerosAroundAndBetween() throws {
        try expect(
            Pad(low: [1], high: [2], interior: [1]), tensor([3], [7, 8, 9]),
            gives: tensor([8], [0, 7, 0, 8, 0, 9, 0, 0]))
        try expect(
            Pad(low: [0, 1], high: [1, 0], interior: [1, 0]), tensor([2, 2], [1, 2, 3, 4]),
            gives: tensor([4, 3], [0, 1, 2, 0, 0, 0, 0, 3, 4, 0, 0, 0]))
        try expect(Pad(low: [0], high: [0], interior: [3]), tensor([1], [5]), gives: tensor([1], [5]))
    }

    @Test func concatenateAlongAnyAxis() throws {
        let column = tensor([2, 1], [8, 9])
        try expect(
            Concatenate(axis: 1), column, matrix, column, gives: tensor([2, 5], [8, 1, 2, 3, 8, 9, 4, 5, 6, 9]))
        try expect(Concatenate(axis: 0), tensor([1, 1], [7]), column, gives: tensor([3, 1], [7, 8, 9]))
    }
}

@Suite struct StructuredEvaluationTests {
    private let nan = Double.nan, inf = Double.infinity

    @Test func reductions() throws {
        let x = tensor([2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8])
        try expect(Reduce(.sum, axes: [1]), x, gives: tensor([2, 2], [4, 6, 12, 14]))
        try expect(Reduce(.sum, axes: [0, 2]), x, gives: tensor([2], [14, 22]))
        try expect(Reduce(.maximum, axes: [0, 1, 2]), x, gives: tensor([], [8]))
        try expect(Reduce(.minimum, axes: [0]), x, gives: tensor([2, 2], [1, 2, 3, 4]))
        try expect(Reduce(.maximum, axes: [0]), tensor([2], [-inf, -inf]), gives: tensor([], [-inf]))
    }

    @Test(arguments: [[Double.nan, 1, 2], [1, .nan, 2], [1, 2, .nan]])
    func reductionsKeepNaN(_ values: [Double]) throws {
        for kind in Reduce.Kind.allCases {
            try expect(Reduce(kind, axes: [0]), tensor([3], values), gives: tensor([], [nan]))
        }
    }

    @Test func dotMultipliesMatrices() throws {
        let left = tensor([2, 3], [1, 2, 3, 4, 5, 6])
        try expect(
            Dot(leftContracting: [1], rightContracting: [0]), left, tensor([3, 2], [1, 0, 0, 1, 2, -1]),
            gives: tensor([2, 2], [7, -1, 16, -1]))
        // Over the first axis of both: leftᵀ · right.
        try expect(
            Dot(leftContracting: [0], rightContracting: [0]), left, tensor([2, 1], [10, 1]),
            gives: tensor([3, 1], [14, 25, 36]))
        // Over both axes, crossed: Σ left[i, j] · right[j, i].
        try expect(
            Dot(leftContracting: [0, 1], rightContracting: [1, 0]), left, tensor([3, 2], [1, 2, 3, 4, 5, 6]),
            gives: tensor([], [1 * 1 + 2 * 3 + 3 * 5 + 4 * 2 + 5 * 4 + 6 * 6]))
        try expect(
            Dot(leftContracting: [], rightContracting: []), tensor([2], [2, 3]), tensor([2], [5, 7]),
            gives: tensor([2, 2], [10, 14, 15, 21]))
    }

    /// left [row, batch] with right [inner, batch, column]: the batch comes first in the result.
    @Test func dotPutsBatchAxesFirst() throws {
        let left = tensor([3, 2], [1, 10, 2, 20, 3, 30]), right = tensor([2, 2], [1, 2, 3, 4])
        try expect(
            Dot(leftBatch: [1], rightBatch: [0], leftContracting: [], rightContracting: []), left, right,
            gives: tensor([2, 3, 2], [1, 2, 2, 4, 3, 6, 30, 40, 60, 80, 90, 120]))
        try expect(
            Dot(leftBatch: [1], rightBatch: [1], leftContracting: [0], rightContracting: [0]), left,
            tensor([3, 2], [1, 1, 1, 1, 1, 2]),
            gives: tensor([2], [6, 90]))
    }

    @Test func gatherClampsAndRepeats() throws {
        let rows = tensor([3, 2], [0, 1, 10, 11, 20, 21])
        try expect(
            Gather(batch: 0), rows, tensor([2, 2], [2, 0, -5, 99], .i32),
            gives: tensor([2, 2, 2], [20, 21, 0, 1, 0, 1, 20, 21]))
        try expect(Gather(batch: 1), rows, tensor([3, 1], [1, 0, 1], .i32), gives: tensor([3, 1], [1, 10, 21]))
        try expect(Gather(batch: 1), rows, tensor([3], [1, 0, 7], .i32), gives: tensor([3], [1, 10, 21]))
        try expect(Gather(batch: 0), rows, tensor([], [1], .i32), gives: tensor([2], [10, 11]))
    }

    @Test func scatterAddsDuplicatesAndClamps() throws {
        try expect(
            ScatterAdd(batch: 0, rows: 4), tensor([4], [1, 1, -3, 9], .i32), tensor([4, 2], [1, 2, 3, 4, 5, 6, 7, 8]),
            gives: tensor([4, 2], [5, 6, 4, 6, 0, 0, 7, 8]))
        try expect(
            ScatterAdd(batch: 1, rows: 2), tensor([2, 2], [1, 1, 0, 1], .i32), tensor([2, 2], [1, 2, 3, 4]),
            gives: tensor([2, 2], [0, 3, 3, 4]))
        try expect(
            ScatterAdd(batch: 0, rows: 3), tensor([], [2], .i32), tensor([2], [5, 6]),
            gives: tensor([3, 2], [0, 0, 0, 0, 5, 6]))
    }

    @Test func argsortKeepsTiesInOrderAndNaNLast() throws {
        try expect(
            ArgSort(), tensor([2, 5], [3, 1, 3, 1, 2, nan, -inf, inf, nan, 0]),
            gives: tensor([2, 5], [1, 3, 4, 0, 2, 1, 4, 2, 0, 3], .i32))
        try expect(ArgSort(), tensor([3], [0.0, -0.0, 0.0]), gives: tensor([3], [0, 1, 2], .i32))
    }

    @Test func softmaxNormalisesRows() throws {
        let e = 2.718281828459045
        let x = tensor([2, 2], [0, 1, 1000, 1000])
        try expect(Softmax(), x, gives: tensor([2, 2], [1 / (1 + e), e / (1 + e), 0.5, 0.5]), within: 1e-15)
        try expect(
            LogSoftmax(), tensor([1, 2], [0, 1]), gives: tensor([1, 2], [-1.3132616875182228, -0.31326168751822286]),
            within: 1e-15)
        try expect(LogSoftmax(), tensor([2], [-1000, 1000]), gives: tensor([2], [-2000, 0]))
    }

    @Test func layerNormalisationUsesTheBiasedVariance() throws {
        // Mean 2, variance (1 + 0 + 1) / 3; with ε = 1/3 the deviation is 1.
        try expect(
            LayerNormalization(epsilon: 1.0 / 3), tensor([1, 3], [1, 2, 3]), tensor([3], [1, 2, 3]),
            tensor([3], [10, 20, 30]),
            gives: tensor([1, 3], [9, 20, 33]), within: 1e-12)
    }

    @Test func batchNormalisationGoesOverAllAxesButOne() throws {
        // The channels have the means 2 and 10, and with ε = 3 and ε = 0 deviations of 2 and 3.
        try expect(
            BatchNormalization(axis: 1, epsilon: 3), tensor([2, 1, 2], [1, 3, 1, 3]), tensor([1], [4]),
            tensor([1], [0.5]),
            gives: tensor([2, 1, 2], [-1.5, 2.5, -1.5, 2.5]), within: 1e-12)
        try expect(
            BatchNormalization(axis: 1, epsilon: 0), tensor([2, 2], [1, 7, 3, 13]),
            gives: tensor([2, 2], [-1, -1, 1, 1]), within: 1e-12)
    }

    /// Against PyTorch's `interpolate` with aligned corners.
    @Test func interpolationKeepsTheCorners() throws {
        let rows = tensor([2, 3], [0, 1, 4, 2, 2, 4])
        try expect(
            Interpolation(axis: 1, size: 5, rule: .alignedCorners), rows,
            gives: tensor([2, 5], [0, 0.5, 1, 2.5, 4, 2, 2, 2, 3, 4]),
            within: 1e-12)
        try expect(
            Interpolation(axis: 0, size: 4, rule: .alignedCorners), rows,
            gives: tensor([4, 3], [0, 1, 4, 2.0 / 3, 4.0 / 3, 4, 4.0 / 3, 5.0 / 3, 4, 2, 2, 4]), within: 1e-12)
        try expect(Interpolation(axis: 1, size: 1, rule: .alignedCorners), rows, gives: tensor([2, 1], [0, 2]))
        try expect(Interpolation(axis: 1, size: 2, rule: .alignedCorners), rows, gives: tensor([2, 2], [0, 4, 2, 4]))
    }

    /// Against PyTorch's `conv2d(interpolate(x, scale_factor=2, mode="bilinear", align_corners=True), kernel,
    /// padding=1)`.
    @Test func upsampledConvolutionIsTheConvolutionOfTheUpsampled() throws {
        let kernel = (0..<36).map { (place: Int) -> Double in
            let level = (place * place * 3 + place * 5) % 11
            return Double(level - 5) / 4
        }
        try expect(
            UpsampledConvolution(height: 4, width: 6), tensor([1, 2, 3, 2], [0, 1, 1, 0, 4, 1, 2, 4, 2, 2, 4, 2]),
            tensor([2, 2, 3, 3], kernel),
            gives: tensor(
                [1, 4, 6, 2],
                [
                    -3.45, -0.216666666667, -4.433333333333, -4.516666666667, -4.566666666667, -3.45, -6.1,
                    -2.583333333333, -8.233333333333,
                    -2.816666666667, -1.4, -3.55, -6.266666666667, -0.5, -6.8, -9.05, -7.933333333333, -8.183333333333,
                    -10.766666666667,
                    -8.016666666667, -14.3, -9.55, -1.933333333333, -8.283333333333, -9.083333333333, -1.483333333333,
                    -9.8, -13.05,
                    -10.266666666667, -11.516666666667, -12.433333333333, -10.683333333333, -15.3, -11.55, -2.7,
                    -9.716666666667, -6.05, -1.9,
                    -4.666666666667, -7.333333333333, -5.633333333333, -6.1, -7.7, -5.466666666667, -9.966666666667,
                    -6.233333333333,
                    -1.116666666667, -9.65,
                ]), within: 1e-10)
    }

    @Test func geluIsTheExactForm() throws {
        try expect(
            GELU(), tensor([4], [0, 1, -1, -40]), gives: tensor([4], [0, 0.8413447460685429, -0.15865525393145707, 0]),
            within: 1e-15)
    }
}
