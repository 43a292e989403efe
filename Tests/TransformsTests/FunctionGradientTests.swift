import ApusIR
import ApusTransforms
import Testing

@Suite struct FunctionGradientTests {
    @Test func activations() throws {
        try expectGradients(of: Operand(3, 5)) { relu($0[0]) }
        try expectGradients(of: Operand(7)) { sigmoid($0[0]) }
        try expectGradients(of: Operand(7)) { silu($0[0]) }
    }

    @Test(arguments: [0, 1, 2, -1, -2, -3])
    func softmaxAlongAnyAxis(_ axis: Int) throws {
        try expectGradients(of: Operand(2, 3, 5)) { softmax($0[0], axis: axis) }
    }

    @Test(arguments: [0, 0.1])
    func crossEntropyOfLabels(_ smoothing: Double) throws {
        try expectGradients(of: Operand(4, 3)) { x in
            let labels = x[0].builder.add(Constant(TensorType(.i32, [4]), values: [2, 0, 1, 1]), [])
            return crossEntropy(x[0], labels, smoothing: smoothing)
        }
    }

    @Test(arguments: [0, 0.1])
    func crossEntropyOfDistributions(_ smoothing: Double) throws {
        try expectGradients(of: Operand(4, 3), Operand(4, 3)) {
            crossEntropy($0[0], targets: $0[1], smoothing: smoothing)
        }
    }

    @Test func meanSquaredErrors() throws {
        try expectGradients(of: Operand(3, 5), Operand(3, 5)) { meanSquaredError($0[0], $0[1]) }
    }

    @Test func products() throws {
        try expectGradients(of: Operand(3, 5), Operand(5, 2)) { matmul($0[0], $0[1]) }
        try expectGradients(of: Operand(2, 3, 5), Operand(5, 2)) { matmul($0[0], $0[1]) }
        try expectGradients(of: Operand(2, 1, 3, 5), Operand(2, 1, 5, 7)) { matmul($0[0], $0[1]) }
        try expectGradients(of: Operand(2, 3, 5), Operand(7, 5), Operand(7)) {
            linear($0[0], weight: $0[1], bias: $0[2])
        }
        try expectGradients(of: Operand(5), Operand(7, 5)) { linear($0[0], weight: $0[1]) }
    }

    /// Patches (stride = kernel), overlapping, strided with a rest, padded, kernel of 1.
    @Test(arguments: [
        (6, 4, 2, 2, 0), (5, 5, 3, 1, 0), (7, 6, 3, 2, 0), (5, 4, 3, 1, 1), (6, 5, 2, 3, 2), (3, 3, 1, 1, 0),
    ])
    func convolutions(_ height: Int, _ width: Int, _ size: Int, _ stride: Int, _ padding: Int) throws {
        try expectGradients(of: Operand(2, 3, height, width), Operand(4, 3, size, size)) {
            convolution($0[0], kernel: $0[1], stride: stride, padding: padding)
        }
    }

    @Test func convolutionWithAnOblongKernel() throws {
        try expectGradients(of: Operand(1, 2, 5, 4), Operand(3, 2, 3, 2)) {
            convolution($0[0], kernel: $0[1], stride: 1, padding: 1)
        }
    }

    @Test(arguments: [(4, 2, 2), (5, 3, 1), (7, 2, 3)])
    func pooling(_ extent: Int, _ size: Int, _ stride: Int) throws {
        try expectGradients(of: Operand(2, 3, extent, extent + 1)) {
            maximumPooling($0[0], size: size, stride: stride)
        }
        try expectGradients(of: Operand(2, 3, extent, extent + 1)) {
            averagePooling($0[0], size: size, stride: stride)
        }
    }
}

/// Where a function has a tie or a kink, the gradient is what its documentation states.
@Suite struct KinkTests {
    @Test func kinks() throws {
        try expectGradient(at: Operand([3], [-1, 0, 2]), is: [[-1, 0, 1]]) { abs($0[0]) }
        try expectGradient(at: Operand([3], [-1, 0, 2]), is: [[0, 0, 1]]) { relu($0[0]) }
    }

    @Test func equalOperandsShareTheGradient() throws {
        let x = Operand([3], [1, 2, 3]), y = Operand([3], [2, 2, 2])
        try expectGradient(at: x, y, is: [[0, 0.5, 1], [1, 0.5, 0]]) { maximum($0[0], $0[1]) }
        try expectGradient(at: x, y, is: [[1, 0.5, 0], [0, 0.5, 1]]) { minimum($0[0], $0[1]) }
    }

    @Test func tiedElementsShareTheGradient() throws {
        let x = Operand([2, 4], [1, 3, 3, 2, 5, 5, 5, 5])
        try expectGradient(at: x, is: [[0, 0.5, 0.5, 0, 0.25, 0.25, 0.25, 0.25]]) { maximum($0[0], axes: [1]) }
        try expectGradient(at: x, is: [[1, 1, 1, 1, 0, 0, 0, 0]]) { minimum($0[0], axes: [0]) }
    }

    @Test func clampedIndicesSendTheGradientToTheEdge() throws {
        try expectGradient(at: Operand([3], [1, 2, 3]), is: [[2, 0, 1]]) { x in
            gather(x[0], x[0].builder.add(Constant(TensorType(.i32, [3]), values: [-7, 0, 99]), []))
        }
    }
}

@Suite struct DifferentiateTests {
    private let builder = GraphBuilder(name: "g")
    private func input(_ name: String, _ shape: Int...) -> Tensor {
        builder.input(Input(name, TensorType(.f32, shape)))
    }

    @Test func keepsValuesAndAnswersNilWithoutDependence() throws {
        let x = input("x", 2), unused = input("unused", 2), floored = input("floored", 2)
        let loss = sum(x * x + floor(floored), axes: [0])
        let graph = try builder.finish()
        let result = try differentiate(
            graph, loss: loss.value, withRespectTo: [x.value, unused.value, floored.value, loss.value])
        #expect(result.gradients.map { $0 != nil } == [true, false, false, true])
        #expect(Array(result.graph.nodes.prefix(graph.nodes.count).map(\.type)) == graph.nodes.map(\.type))
        try result.graph.verify()
    }

    /// The gradient of a value in the middle: 2 y for y = exp(x).
    @Test func differentiatesByIntermediateValues() throws {
        let x = input("x", 3), y = exp(x)
        let graph0 = try builder.finish()
        let loss = sum(y * y, axes: [0])
        #expect(graph0.nodes.count < builder.graph.nodes.count)
        let result = try differentiate(builder.finish(), loss: loss.value, withRespectTo: [y.value, x.value, y.value])
        var graph = result.graph
        for (name, gradient) in zip(["y", "x", "again"], result.gradients) {
            graph.results.append(GraphResult(.output(name: name), try #require(gradient)))
        }
        let outputs = try Interpreter().run(graph, inputs: ["x": HostTensor(x.type, [0, 0, 0])]).outputs
        #expect(outputs.mapValues(\.values) == ["y": [2, 2, 2], "x": [2, 2, 2], "again": [2, 2, 2]])
    }

    /// A tensor cut into pieces gets its gradient back in one concatenation, not in a sum of padded pieces.
    @Test func piecesAreConcatenated() throws {
        let x = input("x", 2, 6)
        let parts = (0..<3).map { x.slice(2 * $0..<2 * $0 + 2, axis: 1) }
        let loss = sum(parts[2] * parts[0] + parts[1], axes: [0, 1])
        let result = try differentiate(builder.finish(), loss: loss.value, withRespectTo: [x.value])
        let gradient = try #require(result.gradients[0])
        #expect(result.graph[gradient].operation is Concatenate)
        try expectGradients(of: Operand(2, 6)) { x in
            x[0].slice(4..<6, axis: 1) * x[0].slice(0..<2, axis: 1) + x[0].slice(2..<4, axis: 1)
        }
        // Pieces that overlap or leave a gap are not.
        try expectGradients(of: Operand(2, 6)) { x in x[0].slice(0..<3, axis: 1) * x[0].slice(2..<5, axis: 1) }
        try expectGradients(of: Operand(2, 6)) { x in x[0].slice(0..<2, axis: 1) * x[0].slice(4..<6, axis: 1) }
        try expectGradients(of: Operand(4, 4)) { x in
            sum(x[0].slice(0..<2, axis: 0), axes: [0, 1]) * sum(x[0].slice(2..<4, axis: 1), axes: [0, 1])
        }
    }

    @Test func refusesLossesThatAreNoScalars() throws {
        let x = input("x", 2), count = x.builder.add(Iota(TensorType(.i32, [1]), axis: 0), []).reshape([])
        let graph = try builder.finish()
        let vector = #expect(throws: GraphErrors.self) {
            try differentiate(graph, loss: x.value, withRespectTo: [x.value])
        }
        #expect(
            vector?.errors.map(\.message) == ["the loss is f32[2]; only a floating-point scalar can be differentiated"])
        let integer = #expect(throws: GraphErrors.self) {
            try differentiate(graph, loss: count.value, withRespectTo: [x.value])
        }
        #expect(
            integer?.errors.map(\.message) == ["the loss is i32[]; only a floating-point scalar can be differentiated"])
    }

    @Test func updatesAndOutputsSurvive() throws {
        let w = builder.parameter(Parameter("w", TensorType(.f32, [2]), .ones))
        let loss = sum(w * w, axes: [0])
        builder.output("loss", loss)
        builder.update(w, with: w * 0.5)
        let graph = try builder.finish()
        #expect(try differentiate(graph, loss: loss.value, withRespectTo: [w.value]).graph.results == graph.results)
    }
}
