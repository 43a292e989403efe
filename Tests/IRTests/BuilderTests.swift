import ApusIR
import Testing

@Suite struct BuilderTests {
    private let builder = GraphBuilder(name: "test")

    private func input(_ name: String, _ shape: Int...) -> Tensor {
        builder.input(Input(name, TensorType(.f32, shape)))
    }

    private func expectErrors(_ expected: [String], sourceLocation: Testing.SourceLocation = #_sourceLocation) {
        let error = #expect(throws: GraphErrors.self, sourceLocation: sourceLocation) { try builder.finish() }
        #expect(error?.errors.map(\.description) == expected, sourceLocation: sourceLocation)
    }

    @Test func collectsMistakesAndGoesOn() {
        let x = input("x", 2, 3), y = input("y", 4, 5)
        let sum = x + y
        #expect(!sum.isValid)
        // What follows from a mistake is not another one.
        builder.output("sum", sum * 2.0)
        let product = matmul(x, y, file: "model.swift", line: 12)
        builder.location = SourceLocation(file: "model.swift", line: 20, path: "blocks.3.mlp")
        builder.output("product", exp(product) + x)
        _ = x.transpose([0, 0], file: "model.swift", line: 30)
        builder.output("fine", x)
        expectErrors([
            "add: shapes [2,3] and [4,5] cannot be broadcast together: 2 and 4 differ in axis 0",
            "model.swift:12: matmul: inner dimensions 3 and 4 differ ([2,3] x [4,5])",
            "model.swift:30: transpose: [0, 0] is not an order of the axes of [2,3] in blocks.3.mlp",
        ])
        #expect(builder.graph.results.count == 1)
    }

    @Test func broadcastsLikeNumPy() throws {
        let x = input("x", 2, 1, 3)
        #expect((x + input("y", 4, 1)).shape == [2, 4, 3])
        #expect((input("z", 3) * x).shape == [2, 1, 3])
        #expect((x - 1.0).shape == [2, 1, 3])
        #expect(select(greater(input("c", 1), x.constant(0)), x, input("d", 5, 1)).shape == [2, 5, 3])
        #expect(input("s").broadcast(to: [2, 2]).shape == [2, 2])
        _ = try builder.finish()
    }

    @Test func refusesWhatCannotBeBroadcast() {
        let x = input("x", 2, 3)
        _ = x.broadcast(to: [3, 3], file: "a.swift", line: 1)
        _ = x.broadcast(to: [3], file: "a.swift", line: 2)
        _ = maximum(x, input("y", 2))
        expectErrors([
            "a.swift:1: broadcast: [2,3] cannot be broadcast to [3,3]: 2 and 3 differ",
            "a.swift:2: broadcast: axes [] do not name the 2 axes of [2,3] in order",
            "maximum: shapes [2,3] and [2] cannot be broadcast together: 3 and 2 differ in axis 1",
        ])
    }

    @Test func refusesDuplicateNames() {
        let x = input("x", 2)
        #expect(input("x", 2).value == x.value)
        _ = input("x", 3)
        _ = builder.parameter(Parameter("w", TensorType(.f32, [2]), .zeros))
        _ = builder.parameter(Parameter("w", TensorType(.f32, [2]), .ones))
        builder.output("y", x)
        builder.output("y", x)
        expectErrors([
            "input: 'x' is declared as f32[2] and again, differently, as f32[3]",
            "parameter: 'w' is declared as f32[2] and again, differently, as f32[2]",
            "the result 'y' is declared twice",
        ])
    }

    @Test func refusesUpdatesThatDoNotFit() {
        let w = builder.parameter(Parameter("w", TensorType(.f32, [2]), .zeros)), x = input("x", 2)
        builder.update(w, with: input("z", 3))
        builder.update(x, with: w)
        builder.update(w, with: x)
        builder.update(w, with: w)
        expectErrors([
            "the update of %0 has type f32[3], not f32[2]",
            "%1 is updated but is not a parameter",
            "the update of %0 is declared twice",
        ])
    }

    @Test func refusesEmptyAndEndlessShapes() {
        let x = input("x", 4)
        _ = input("empty", 2, 0)
        _ = input("endless", 1 << 40, 1 << 40)
        _ = x.reshape([-2, -2], file: "a.swift", line: 3)
        _ = x.reshape([1 << 40, 1 << 40, -1], file: "a.swift", line: 4)
        _ = x.reshape([1], file: "a.swift", line: 5).broadcast(to: [0])
        expectErrors([
            "input: 'empty' has the shape [2,0], which holds no elements or too many",
            "input: 'endless' has the shape [1099511627776,1099511627776], which holds no elements or too many",
            "a.swift:3: reshape: [-2,-2] is not a shape",
            "a.swift:4: reshape: [1099511627776,1099511627776,-1] is not a shape",
            "a.swift:5: reshape: [4] has 4 elements, [1] has 1",
        ])
    }

    @Test func refusesEmptyResults() {
        _ = input("x", 1).broadcast(to: [0], file: "a.swift", line: 1)
        _ = randomUniform([3, 0], key: builder.input(Input("key", TensorType(.i32, [2]))), stream: 0)
        expectErrors([
            "a.swift:1: broadcast: the result f32[0] holds no elements or too many",
            "random_uniform: the result f32[3,0] holds no elements or too many",
        ])
    }

    @Test func reshapeFindsTheOpenExtent() throws {
        #expect(input("x", 6, 4).reshape([3, -1]).shape == [3, 8])
        _ = input("y", 7).reshape([2, -1], file: "a.swift", line: 1)
        expectErrors(["a.swift:1: reshape: [7] has 7 elements, [2,3] has 6"])
    }

    @Test func functionsNameTheirOwnMistakes() {
        let x = input("x", 2, 3), images = input("images", 1, 2, 4, 4), place = (file: "a.swift", line: 9)
        _ = softmax(x, axis: 2)
        _ = softmax(x, axis: -3)
        _ = argmax(input("scalar"))
        _ = crossEntropy(x, x, file: place.file, line: place.line)
        _ = matmul(input("v", 3), x, file: place.file, line: place.line)
        _ = convolution(images, kernel: input("k", 1, 3, 2, 2), file: place.file, line: place.line)
        _ = convolution(images, kernel: input("large", 1, 2, 5, 5), file: place.file, line: place.line)
        _ = maximumPooling(images, size: 5, stride: 1, file: place.file, line: place.line)
        _ = averagePooling(images, size: 0, stride: 1, file: place.file, line: place.line)
        _ = x.slice(0..<1, axis: 2, file: place.file, line: place.line)
        _ = linear(x, weight: input("w", 4, 4), file: place.file, line: place.line)
        expectErrors([
            "softmax: axis 2 is out of range for rank 2",
            "softmax: axis -3 is out of range for rank 2",
            "argmax: a scalar has no axis to search",
            "a.swift:9: crossEntropy: takes logits f32[n,classes] and labels i32[n], or both with further axes, has f32[2,3] and f32[2,3]",
            "a.swift:9: matmul: takes [..., n, k] x [k, m] or [..., n, k] x [..., k, m], has [3] x [2,3]",
            "a.swift:9: convolution: takes images [n,c,spatial...] and a kernel [o,c/groups,sizes...], has [1,2,4,4] and [1,3,2,2] in 1 groups",
            "a.swift:9: convolution: a window of 5x5 by 1x1 does not fit into [1,2,4,4] with padding 0x0",
            "a.swift:9: maximumPooling: a window of 5x5 by 1x1 does not fit into [1,2,4,4] with padding 0x0",
            "a.swift:9: averagePooling: a window of 0x0 by 1x1 does not fit into [1,2,4,4] with padding 0x0",
            "a.swift:9: slice: axis 2 is out of range for [2,3]",
            "a.swift:9: linear: inner dimensions 3 and 4 differ ([2,3] x [4,4])",
        ])
    }
}

@Suite struct GraphEqualityTests {
    private func constant(_ value: Double) -> Graph {
        Graph(name: "g", nodes: [Node(Constant(TensorType(.f32, []), splat: value), [], TensorType(.f32, []))])
    }

    /// Zeros of either sign are different numbers (1/x tells them apart), and a graph with NaN equals itself.
    @Test func constantsAreComparedByTheirBits() {
        #expect(constant(0) != constant(-0.0))
        #expect(constant(.nan) == constant(.nan))
        #expect(constant(1) == constant(1))
        #expect(
            Constant(TensorType(.f32, []), splat: .nan).hashValue
                == Constant(TensorType(.f32, []), splat: .nan).hashValue)
    }

    @Test func locationsDoNotCount() {
        var located = constant(1)
        located.nodes[0].location = SourceLocation(file: "a.swift", line: 1)
        #expect(located == constant(1))
        #expect(located.text(locations: true).contains(": f32[]  // a.swift:1\n"))
    }
}

@Suite struct InterpreterTests {
    @Test func bindsByNameAndType() throws {
        let builder = GraphBuilder(name: "g")
        let x = builder.input(Input("x", TensorType(.f32, [2]))),
            w = builder.parameter(Parameter("w", TensorType(.f32, [2]), .zeros))
        builder.output("y", x + w)
        builder.update(w, with: w - x)
        let graph = try builder.finish(), interpreter = Interpreter()
        let one = HostTensor(TensorType(.f32, [2]), [1, 2]), two = HostTensor(TensorType(.f32, [2]), [5, 7])
        let outcome = try interpreter.run(graph, inputs: ["x": one], parameters: ["w": two])
        #expect(outcome.outputs == ["y": HostTensor(TensorType(.f32, [2]), [6, 9])])
        #expect(outcome.updates == ["w": HostTensor(TensorType(.f32, [2]), [4, 5])])
        expectError(.name, "parameter: 'w' is not bound") { try interpreter.run(graph, inputs: ["x": one]) }
        expectError(.shape, "input: 'x' is f32[2], given f32[1]") {
            try interpreter.run(graph, inputs: ["x": HostTensor(TensorType(.f32, [1]))], parameters: ["w": two])
        }
    }
}

extension BuilderTests {
    @Test func initializersThatDoNotFit() {
        let builder = GraphBuilder(name: "test")
        builder.location = SourceLocation(file: "model.swift", line: 3)
        let table = Parameter("p", TensorType(.f32, [1, 5, 8]), .sineCosine2D(grid: 100))
        #expect(!builder.parameter(table).isValid)
        let message =
            "parameter: 'p', f32[1,5,8], cannot be filled by sine_cosine_2d(100,0): the table has the shape "
            + "[1,10000,dim] with a dim that is a multiple of 4"
        let error = #expect(throws: GraphErrors.self) { try builder.finish() }
        #expect(error?.description == "model.swift:3: " + message)
        let text = """
            graph @g {
              %0 = parameter {name = "p", init = "sine_cosine_2d(100,0)", trainable = true} : f32[1,5,8]
              return "y" %0
            }
            """
        #expect(throws: GraphErrors.self) { try Graph(parsing: text) }
    }

    /// Attributes at the ends of the integers end no process.
    @Test func sizesBeyondAllBounds() {
        #expect(TensorType(.f32, [1 << 40, 1 << 40]).byteCount == .max)
        #expect(TensorType(.f64, [1 << 61]).byteCount == .max)
        let extremes = [Int.min, Int.min + 1, -1, 0, 1, 2, 1 << 31, 1 << 62, Int.max - 1, Int.max]
        for a in extremes {
            for b in extremes {
                let builder = GraphBuilder(name: "test"), x = builder.input(Input("x", TensorType(.f32, [2, 3])))
                let image = builder.input(Input("image", TensorType(.f32, [1, 2, 4, 4])))
                let kernel = builder.input(Input("kernel", TensorType(.f32, [3, 2, 2, 2])))
                let tokens = builder.input(Input("tokens", TensorType(.f32, [1, 4, 4, 2])))
                let indices = builder.input(Input("indices", TensorType(.i32, [2])))
                _ = x.reshape([a, b])
                _ = x.broadcast(to: [a, b, 2, 3])
                _ = builder.add(Broadcast(shape: [a, b], axes: [0, 1]), [x])
                _ = builder.add(Broadcast(shape: [2, 3, 4], axes: [a, b]), [x])
                _ = builder.add(Transpose([a, b]), [x])
                _ = builder.add(Slice(starts: [a, 0], limits: [b, 3], steps: [1, 1]), [x])
                _ = builder.add(Slice(starts: [0, 0], limits: [2, a], steps: [b, 1]), [x])
                _ = builder.add(Pad(low: [a, 0], high: [b, 0], interior: [0, 0]), [x])
                _ = builder.add(Pad(low: [0, 0], high: [a, 0], interior: [b, a]), [x])
                _ = builder.add(Concatenate(axis: a), [x, x])
                _ = builder.add(Iota(TensorType(.i32, [2, b]), axis: a), [])
                _ = builder.add(Reduce(.sum, axes: [a, b]), [x])
                _ = builder.add(Gather(batch: a), [x, indices])
                _ = builder.add(ScatterAdd(batch: a, rows: b), [indices, x])
                _ = builder.add(Dot(leftContracting: [a], rightContracting: [b]), [x, x])
                _ = builder.add(
                    Dot(leftBatch: [a], rightBatch: [b], leftContracting: [1], rightContracting: [1]), [x, x])
                _ = builder.add(Interpolation(axis: a, size: b, rule: .alignedCorners), [x])
                _ = convolution(image, kernel: kernel, stride: a, padding: b)
                _ = maximumPooling(image, size: a, stride: b)
                _ = averagePooling(image, size: a, stride: b)
                _ = convolution(image, kernel: kernel, dilation: [a, b], groups: a)
                _ = transposedConvolution(image, kernel: kernel, stride: a, padding: b, dilation: [b, a])
                _ = transposedConvolution(image, kernel: kernel, outputPadding: a, groups: b)
                _ = maximumPooling(image, size: [a, 2], stride: b, padding: [b, a], dilation: a)
                _ = averagePooling(image, size: [2, b], padding: a, countsPadding: false)
                _ = maximumPooling(image, size: 2, stride: a, dilation: b, ceilMode: true)
                _ = averagePooling(image, size: 2, stride: b, padding: a, ceilMode: true)
                _ = adaptiveAveragePooling(image, size: [a, b])
                _ = adaptiveMaximumPooling(image, size: [min(a, 99), min(b, 99)])
                _ = linearResized(image, size: [a, b])
                _ = nearestResized(image, size: [a, b])
                _ = x.expanded(a).squeezed(b)
                _ = x.movingAxis(a, to: b)
                _ = x.tiled([a, b])
                _ = x.flipped([a, b])
                _ = x.rolled(a, axis: b)
                _ = x.rolled(a, axis: 0)
                _ = stack([x, x], axis: a)
                _ = split(x, sizes: [a, b], axis: a)
                _ = split(x, into: min(a, 9), axis: b)
                _ = lowerTriangle(x, diagonal: a)
                _ = takeAlongAxis(x, indices, axis: a)
                _ = scatterAddAlongAxis(x, indices, x, axis: a)
                _ = topK(x, a)
                _ = cumulativeSum(x, axis: a)
                _ = variance(x, axes: [a])
                _ = norm(x, Double(a), axes: [b])
                _ = glu(x, axis: a)
                _ = crossEntropy(x, indices, ignoredIndex: a)
                _ = topKAccuracy(x, indices, a)
                _ = upsampledConvolution2D(tokens, kernel: kernel, height: a, width: b)
                _ = oneHot(indices, classes: a)
                _ = x.slice(0..<max(a, 0), axis: b)
                _ = sum(x, axes: [a, b])
                _ = mean(x, axes: [a])
                _ = x.constant(1, shape: [a, b])
                _ = builder.parameter(
                    Parameter("p", TensorType(.f32, [1, a, b]), .sineCosine2D(grid: a, leadingZeros: b)))
                _ = Initializer.xavierUniform.problem(for: TensorType(.f32, [a, b]))
                _ = TensorType(.f32, [a, b]).byteCount
            }
        }
    }
}
