import ApusCodegen
import ApusIR
import ApusTestSupport
import ApusTransforms
import Testing

/// Reductions and the kernels that contain them against the interpreter.
struct ReductionKernelTests {
    @Test(arguments: oddExtents)
    func rows(extent: Int) throws {
        try expectFunction([f32(7, extent)]) { x in
            [
                sum(x[0], axes: [1]), maximum(x[0], axes: [1]), minimum(x[0], axes: [1], keepAxes: true),
                mean(x[0] * x[0], axes: [1]),
            ]
        }
        try expectFunction([i32(3, extent)], tolerance: 0, by: differences) { x in
            [sum(x[0], axes: [1]), maximum(x[0], axes: [1]), minimum(x[0], axes: [1])]
        }
        try expectFunction([f32(extent)]) { x in [mean(x[0]), maximum(x[0], axes: [0])] }
    }

    @Test(arguments: oddExtents)
    func columns(extent: Int) throws {
        try expectFunction([f32(9, extent)]) { x in
            [sum(x[0], axes: [0]), maximum(x[0], axes: [0]), minimum(x[0] * 2 - 1, axes: [0])]
        }
        try expectFunction([f32(extent, 5)]) { x in [sum(x[0], axes: [0]), maximum(x[0], axes: [0], keepAxes: true)] }
        try expectFunction([i32(extent, 5)], tolerance: 0, by: differences) { x in
            [sum(x[0], axes: [0]), minimum(x[0], axes: [0])]
        }
    }

    /// Every set of axes of a tensor of rank 4, some of extent 1.
    @Test(arguments: 1..<16)
    func axes(bits: Int) throws {
        let axes = (0..<4).filter { bits >> $0 & 1 == 1 }
        for shape in [[3, 5, 2, 17], [2, 1, 6, 33], [4, 3, 5, 1], [1, 7, 1, 19]] {
            try expectFunction([TensorType(.f32, shape)], "axes \(axes) of \(shape)") { x in
                [sum(x[0], axes: axes), maximum(x[0], axes: axes), sum(x[0].transpose([3, 1, 0, 2]), axes: axes)]
            }
        }
    }

    /// Rows that go over several axes, which do not follow each other in memory: a vector ends where an axis does, or
    /// goes on in the next.
    @Test(arguments: [1, 3, 8, 16, 24, 32, 48, 64, 65])
    func rowsOverSeveralAxes(extent: Int) throws {
        for count in [1, 2, 5] {
            try expectFunction([f32(4, 3, count, extent), f32(12)], "\(count) times \(extent)") { x in
                // [3, 4 · count · extent], whose parts lie apart.
                let rows = x[0].transpose([1, 0, 2, 3]).reshape([3, 4 * count * extent])
                let scales = x[1].reshape([4, 3, 1, 1]).broadcast(to: [4, 3, count, extent])
                    .transpose([1, 0, 2, 3]).reshape([3, 4 * count * extent])
                let centred = rows - mean(rows, axes: [1], keepAxes: true)
                return [
                    mean(centred * centred, axes: [1]), maximum(rows, axes: [1]), softmax(rows),
                    sum(rows * scales, axes: [1]), centred * scales,
                ]
            }
        }
    }

    @Test func reductionsPropagateNaNAndInfinity() throws {
        var values = (0..<3 * 37).map { Double($0 % 7) - 3 }
        values[5] = .nan
        values[37 + 36] = .nan
        values[74] = .infinity
        values[80] = -.infinity
        try expectFunction([f32(3, 37)], values: [0: values], tolerance: 0, by: differences) { x in
            [
                maximum(x[0], axes: [1]), minimum(x[0], axes: [1]), maximum(x[0], axes: [0]), minimum(x[0], axes: [0]),
                sum(x[0], axes: [1]),
            ]
        }
    }

    @Test(arguments: oddExtents)
    func softmaxes(extent: Int) throws {
        try expectFunction([f32(5, extent)]) { x in [softmax(x[0] * 10), logSoftmax(x[0] * 5), softmax(x[0], axis: 0)] }
        try expectFunction([f32(2, extent, 3)]) { x in [softmax(x[0], axis: 1)] }
    }

    @Test func softmaxOfLargeNumbers() throws {
        try expectFunction([f32(2, 4)], values: [0: [1000, 999, -1000, 1000, -1e38, 1e38, 0, 1e38]]) { x in
            [softmax(x[0]), logSoftmax(x[0])]
        }
    }

    @Test(arguments: oddExtents)
    func layerNormalizations(extent: Int) throws {
        try expectGradients([f32(6, extent), f32(extent), f32(extent)], "layer normalisation of \(extent)") { x in
            layerNormalization(x[0], weight: x[1], bias: x[2], epsilon: 0.01)
        }
    }

    @Test(arguments: oddExtents)
    func gelus(extent: Int) throws {
        try expectGradients([f32(3, extent), f32(extent)], "GELU of \(extent)") { x in gelu(x[0] * 2 + x[1]) }
    }

    @Test(arguments: oddExtents)
    func softmaxGradients(extent: Int) throws {
        try expectGradients([f32(4, extent)], "softmax of \(extent)") { x in softmax(x[0]) }
        try expectGradients([f32(4, extent)], "log-softmax of \(extent)") { x in logSoftmax(x[0]) }
    }

    /// Several reductions along the same rows, of which some follow from others.
    @Test(arguments: oddExtents)
    func severalReductionsInOneKernel(extent: Int) throws {
        try expectFunction([f32(4, extent), f32(4, extent)]) { x in
            let total = sum(x[0], axes: [1], keepAxes: true), peak = maximum(x[1], axes: [1], keepAxes: true)
            let centred = exp(x[0] - peak) * x[1]
            let spread = sum(centred * centred, axes: [1], keepAxes: true)
            let scaled = centred / sqrt(spread + 1) + total * 0.01
            return [scaled, sum(scaled, axes: [1]), total, peak, minimum(scaled * x[1], axes: [1])]
        }
    }

    /// A long chain in which each value is used twice is compiled in no time.
    @Test(.timeLimit(.minutes(1)))
    func diamondsOfValuesThatRowsKeep() throws {
        try expectFunction([f32(3, 33)]) { x in
            var y = exp(x[0])
            for step in 0..<40 { y = minimum(y * 0.4 + 0.1, abs(y) * (0.3 + Double(step) * 0.01) + 0.2) }
            let peak = maximum(y, axes: [1], keepAxes: true)
            return [exp(y - peak) / sum(exp(y - peak), axes: [1], keepAxes: true)]
        }
    }
}

/// Compares a function and the gradients of its weighted sum with the interpreter's.
func expectGradients(
    _ types: [TensorType], _ comment: String, seed: UInt64 = 3,
    sourceLocation: Testing.SourceLocation = #_sourceLocation,
    _ function: ([Tensor]) -> Tensor
) throws {
    let builder = GraphBuilder(name: "gradient")
    let inputs = types.enumerated().map { builder.input(Input("x\($0)", $1)) }
    let result = function(inputs)
    let weights = builder.input(Input("weights", result.type))
    let loss = sum(result * weights, axes: Array(result.shape.indices))
    builder.output("y", result)
    let differentiated = try differentiate(try builder.finish(), loss: loss.value, withRespectTo: inputs.map(\.value))
    var graph = differentiated.graph
    for (number, gradient) in differentiated.gradients.enumerated() {
        let gradient = try #require(gradient, "\(comment): no gradient of x\(number)", sourceLocation: sourceLocation)
        graph.results.append(GraphResult(.output(name: "gradient x\(number)"), gradient))
    }
    // In a gradient that is a difference of large terms the error is that of the terms.
    try expectMatchesInterpreter(
        graph, inputs: randomInputs(for: graph, seed: seed), tolerance: 2e-5, by: largestError,
        "\(comment), seed \(seed)",
        sourceLocation: sourceLocation)
}
