import ApusIR
import ApusLayers
import Testing

@Suite struct LibraryTests {
    @Test func shapes() throws {
        #expect(try resultType(Linear(4, 6), [2, 3, 4]) == "f32[2,3,6]")
        #expect(try resultType(LayerNorm(4), [2, 3, 4]) == "f32[2,3,4]")
        #expect(try resultType(SelfAttention(8, heads: 2), [2, 5, 8]) == "f32[2,5,8]")
        #expect(try resultType(Apply { SelfAttention(8, heads: 2).attention($0) }, [2, 5, 8]) == "f32[2,2,5,5]")
        #expect(try resultType(Embedding(10, 4), [2, 3], .int32) == "f32[2,3,4]")
        #expect(try resultType(PatchEmbedding(patch: 4, dim: 6), [2, 3, 8, 12]) == "f32[2,6,6]")
        #expect(try resultType(Conv2D(3, 5, kernel: 3), [2, 3, 8, 10]) == "f32[2,5,6,8]")
        #expect(try resultType(Conv2D(3, 5, kernel: 3, stride: 2, padding: 1), [2, 3, 8, 10]) == "f32[2,5,4,5]")
        #expect(try resultType(MaxPool2D(2), [2, 3, 8, 10]) == "f32[2,3,4,5]")
        #expect(try resultType(AvgPool2D(3, stride: 1), [2, 3, 8, 10]) == "f32[2,3,6,8]")
        #expect(
            try resultType(UpsampledConv2D(3, 5, kernel: 3, height: 16, width: 12), [2, 8, 6, 3]) == "f32[2,16,12,5]")
        #expect(try resultType(UpsampledConv2D(3, 5, kernel: 1), [2, 8, 6, 3]) == "f32[2,8,6,5]")
        #expect(try resultType(Upsample(size: [16, 12], mode: .linear()), [2, 3, 8, 6]) == "f32[2,3,16,12]")
        #expect(try resultType(BatchNorm(3), [2, 3, 8, 10]) == "f32[2,3,8,10]")
        #expect(try resultType(BatchNorm(4, affine: false), [1, 4]) == "f32[1,4]")
        #expect(try resultType(GlobalAveragePool(), [2, 3, 8, 10]) == "f32[2,3]")
        #expect(try resultType(Flatten(), [2, 3, 8]) == "f32[2,24]")
    }

    @Test func activationsKeepTheShape() throws {
        let activations: [any Layer] = [GELU(), ReLU(), Tanh(), Sigmoid(), SiLU(), Softmax()]
        for activation in activations { #expect(try resultType(activation, [2, 3]) == "f32[2,3]") }
    }

    @Test func numbersOfWeights() throws {
        func count(_ layer: some Layer, _ shape: [Int], _ element: ElementType = .float32) throws -> Int {
            try graph(layer, shape, element).parameters.map(\.operation.type.count).reduce(0, +)
        }
        #expect(try count(Linear(4, 6), [2, 4]) == 30)
        #expect(try count(Linear(4, 6, bias: false), [2, 4]) == 24)
        #expect(try count(LayerNorm(4), [2, 4]) == 8)
        #expect(try count(SelfAttention(8, heads: 2), [2, 5, 8]) == 8 * 24 + 24 + 8 * 8 + 8)
        #expect(try count(SelfAttention(8, heads: 2, qkvBias: false), [2, 5, 8]) == 8 * 24 + 8 * 8 + 8)
        #expect(try count(Embedding(10, 4), [2], .int32) == 40)
        #expect(try count(PatchEmbedding(patch: 4, dim: 6), [2, 3, 8, 8]) == 6 * 3 * 16 + 6)
        #expect(try count(Conv2D(3, 5, kernel: 3), [2, 3, 8, 8]) == 5 * 27 + 5)
        #expect(try count(TransformerBlock(dim: 768, heads: 12), [1, 2, 768]) == 7_087_872)
    }

    @Test func attentionNeedsNoTransposesOfItsHeads() throws {
        let operations = try graph(SelfAttention(8, heads: 2), [2, 5, 8]).nodes.map(\.operation.name)
        #expect(operations.count(where: { $0 == "transpose" }) == 1)
        #expect(operations.count(where: { $0 == "dot" }) == 4)
    }

    @Test func attentionComputesWhatItsFormulaSays() throws {
        // Values are the tokens themselves; keys and queries are zero, so each token becomes the mean of all.
        let graph = try graph(SelfAttention(2, heads: 1), [1, 2, 2])
        let weights: [String: [Double]] = [
            "qkv.weight": [0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1], "qkv.bias": [0, 0, 0, 0, 0, 0],
            "proj.weight": [1, 0, 0, 1], "proj.bias": [10, 20],
        ]
        var parameters: [String: HostTensor] = [:]
        for (_, operation) in graph.parameters {
            parameters[operation.name] = HostTensor(operation.type, try #require(weights[operation.name]))
        }
        let x = HostTensor(TensorType(.f32, [1, 2, 2]), [1, 2, 3, 6])
        #expect(
            try Interpreter().run(graph, inputs: ["x": x], parameters: parameters).outputs["y"]?.values == [
                12, 24, 12, 24,
            ])
    }

    /// Heads of keys that are shared mean the same as repeated ones, with masks of every shape.
    @Test func sharedHeadsMeanRepeatedOnes() throws {
        let (batch, queries, keys, heads, groups, dim) = (2, 3, 4, 6, 2, 2)
        func repeated(_ x: Tensor) -> Tensor {
            x.expanded(3).broadcast(to: [batch, keys, groups, heads / groups, dim]).reshape([batch, keys, heads, dim])
        }
        let step = InferenceStep {
            let q = Input("q", [batch, queries, heads, dim])
            let k = Input("k", [batch, keys, groups, dim]), v = Input("v", [batch, keys, groups, dim])
            let masks: [[AttentionMask]] = [
                [], [.causal], [.lengths(Input("lengths", [batch], .int32))],
                [.added(Input("each head", [heads, 1, keys])), .causal],
                [.allowed(Input("allowed", [batch, 1, queries, keys], .bool))],
                [.added(Input("all", [batch, heads, queries, keys]))], [.added(Input("keys", [keys]))],
            ]
            for (number, masks) in masks.enumerated() {
                Output("shared \(number)", attention(queries: q, keys: k, values: v, masks: masks))
                Output(
                    "repeated \(number)",
                    attention(queries: q, keys: repeated(k), values: repeated(v), masks: masks))
            }
        }
        let graph = try step.trace()
        var inputs: [String: HostTensor] = [:]
        for (_, operation) in graph.inputs {
            let numbers = (0..<operation.type.count).map { place -> Double in
                let number = (place * 7 + operation.name.count) % 11
                switch operation.type.element {
                case .bool: return number > 3 ? 1 : 0
                case .i32: return Double(2 + place)
                default: return Double(number) / 8
                }
            }
            inputs[operation.name] = HostTensor(operation.type, numbers)
        }
        let outputs = try Interpreter().run(graph, inputs: inputs).outputs
        for number in 0..<7 {
            let shared = try #require(outputs["shared \(number)"]), repeated = outputs["repeated \(number)"]
            #expect(shared == repeated && Set(shared.values).count > 1, "masks \(number)")
        }
        #expect(
            try resultType(Apply { SelfAttention(8, heads: 4, keyHeads: 2).attention($0) }, [2, 5, 8])
                == "f32[2,4,5,5]")
    }

    /// Training drops probabilities, each layer by a stream of its own; inference does not.
    @Test func attentionDropsProbabilitiesInTraining() throws {
        let layers = Sequential {
            SelfAttention(8, heads: 4, keyHeads: 2, dropout: 0.25).named("a")
            MultiheadAttention(8, heads: 2, dropout: 0.25).named("b")
        }
        func draws(_ graph: Graph) -> [RandomUniform] { graph.nodes.compactMap { $0.operation as? RandomUniform } }
        let training = try TrainingStep(optimizer: .sgd(learningRate: 1)) {
            Loss(mean(layers(Input("x", [2, 5, 8]))))
        }.trace().graph
        #expect(draws(training).map(\.shape) == [[2, 2, 2, 5, 5], [2, 2, 5, 5]])
        #expect(Set(draws(training).map(\.stream)).count == 2)
        #expect(try draws(graph(layers, [2, 5, 8])).isEmpty)
    }

    @Test func patchesAreTakenRowByRowAsAConvolutionDoes() throws {
        let step = InferenceStep {
            let images = Input("images", [1, 1, 4, 6])
            Output("patches", PatchEmbedding(patch: 2, channels: 1, dim: 3).named("a")(images))
            Output("convolution", Conv2D(1, 3, kernel: 2, stride: 2).named("b")(images))
        }
        let graph = try step.trace()
        func sequence(_ type: TensorType) -> HostTensor {
            HostTensor(type, (0..<type.count).map { Double($0 * $0 % 17) })
        }
        var parameters: [String: HostTensor] = [:]
        for (_, operation) in graph.parameters { parameters[operation.name] = sequence(operation.type) }
        let outputs = try Interpreter().run(
            graph, inputs: ["images": sequence(TensorType(.f32, [1, 1, 4, 6]))], parameters: parameters
        ).outputs
        let patches = try #require(outputs["patches"]), convolution = try #require(outputs["convolution"])
        #expect(patches.shape == [1, 6, 3] && convolution.shape == [1, 3, 2, 3])
        for token in 0..<6 {
            for channel in 0..<3 {
                #expect(patches.values[token * 3 + channel] == convolution.values[channel * 6 + token])
            }
        }
    }

    /// Images that drop path keeps, out of `batch` of ones, by the value that they have then.
    private func dropPath(_ rate: Double, batch: Int, key: [Double] = [7, 3], layer: String = "a") throws -> [Double] {
        let graph = try TrainingStep("test", optimizer: .sgd(learningRate: 0)) {
            let y = drawing(from: Input("key", [2], .int32)) { DropPath(rate).named(layer)(Input("x", [batch, 2, 3])) }
            Loss(mean(y * weight("w", [], .ones)))
            Output("y", y)
        }.trace().graph
        let inputs = [
            "x": HostTensor(TensorType(.f32, [batch, 2, 3]), fill: 1), "key": HostTensor(TensorType(.i32, [2]), key),
        ]
        let weights = ["w": HostTensor(TensorType(.f32, []), fill: 1)]
        let run = try Interpreter().run(graph, inputs: inputs, parameters: weights)
        let y = try #require(run.outputs["y"]).values
        return (0..<batch).map { image in
            #expect(Set(y[image * 6..<(image + 1) * 6]).count == 1, "an image is dropped as a whole")
            return y[image * 6]
        }
    }

    @Test func dropPathDropsWholeImages() throws {
        let values = try dropPath(0.25, batch: 400)
        #expect(Set(values) == [0, 1 / 0.75])
        // 400 draws with chance 3/4: 300, with a deviation below 9.
        #expect(abs(values.count { $0 != 0 } - 300) < 30)
    }

    @Test func keyAndPlaceDecideWhatDropPathDrops() throws {
        let values = try dropPath(0.5, batch: 40)
        #expect(try dropPath(0.5, batch: 40) == values)
        #expect(try dropPath(0.5, batch: 40, key: [7, 4]) != values)
        #expect(try dropPath(0.5, batch: 40, layer: "b") != values)
    }

    @Test func dropPathNeedsAChance() {
        #expect(
            mistakes { _ = try dropPath(1, batch: 2) }.map {
                $0.hasSuffix("DropPath: the rate 1.0 is not in 0..<1 in a")
            }
                == [true])
        #expect(
            mistakes { _ = try dropPath(.nan, batch: 2) }.map {
                $0.hasSuffix("DropPath: the rate nan is not in 0..<1 in a")
            } == [true])
    }

    @Test func textOfATinyModel() throws {
        #expect(
            try graph(
                Sequential {
                    Linear(2, 3); ReLU()
                }.named("net"), [1, 2]
            ).text() == """
                graph @test {
                  %0 = input {name = "x"} : f32[1,2]
                  %1 = parameter {name = "net.0.weight", init = "uniform(0.7071067811865475)", trainable = true} : f32[3,2]
                  %2 = parameter {name = "net.0.bias", init = "uniform(0.7071067811865475)", trainable = true} : f32[3]
                  %3 = dot %0, %1 {left_batch = [], right_batch = [], left_contracting = [1], right_contracting = [1]} : f32[1,3]
                  %4 = broadcast %2 {axes = [1]} : f32[1,3]
                  %5 = add %3, %4 : f32[1,3]
                  %6 = constant {value = 0.0} : f32[]
                  %7 = broadcast %6 {axes = []} : f32[1,3]
                  %8 = compare %5, %7 {direction = "lessEqual"} : bool[1,3]
                  %9 = constant {value = 0.0} : f32[]
                  %10 = broadcast %9 {axes = []} : f32[1,3]
                  %11 = select %8, %10, %5 : f32[1,3]
                  return "y" %11
                }

                """)
    }
}
