import ApusIR
import ApusTestSupport
import ApusTransforms
import Testing

/// Every pass that graph-to-graph tests know, by name.
let passesByName: [String: Pass] = Dictionary(
    uniqueKeysWithValues: ([
        .deadCode, .commonSubexpressions, .decompose, .placeLogSums, .simplify, .joinProducts, .fuseSoftmax,
        .fuseAttention,
        .moveGathersUp, .fuseQKV,
        .mixedPrecision, .rematerialize,
        .winograd(
            WinogradLimits(
                channels: 2, channelsForBothAxes: 3, places: 4,
                constantKernels: .init(places: 4, rows: 8...64, parts: 3))),
        .narrowGroups(NarrowGroupLimits(channels: 3, products: 6)), .sinkTransposes,
    ] as [Pass]).map { ($0.name, $0) })

@Suite struct PassPropertyTests {
    /// What a graph computes must not change; decomposition and simplification may round differently.
    private func expectSameResults(
        _ before: Graph, _ after: Graph, _ inputs: [String: HostTensor], _ comment: String,
        within tolerance: Double = 1e-10,
        sourceLocation: Testing.SourceLocation = #_sourceLocation
    ) throws {
        let old = try Interpreter().run(before, inputs: inputs).outputs,
            new = try Interpreter().run(after, inputs: inputs).outputs
        #expect(old.keys.sorted() == new.keys.sorted(), "\(comment)", sourceLocation: sourceLocation)
        for (name, expected) in old {
            let found = try #require(new[name], sourceLocation: sourceLocation)
            #expect(found.type == expected.type, "\(comment), \(name)", sourceLocation: sourceLocation)
            let scale = 1 + (expected.values.map(abs).max() ?? 0)
            let isNear = zip(found.values, expected.values).allSatisfy { abs($0 - $1) <= tolerance * scale }
            #expect(isNear, "\(comment), \(name)", sourceLocation: sourceLocation)
        }
    }

    @Test(arguments: 0..<60 as Range<UInt64>)
    func passesKeepResultsAndSettle(seed: UInt64) throws {
        let graph = try RandomGraph(seed: seed).graph, inputs = randomInputs(for: graph, seed: seed)
        for pass in passesByName.values where pass.name != Pass.mixedPrecision.name {
            let once = try pass.run(graph)
            try once.verify()
            #expect(try pass.run(once) == once, "\(pass.name) changes its own result, seed \(seed)")
            #expect(once.inputs.map(\.operation) == graph.inputs.map(\.operation), "\(pass.name), seed \(seed)")
            try expectSameResults(graph, once, inputs, "\(pass.name), seed \(seed)")
        }
        let standard = try Pipeline.standard.run(graph)
        try expectSameResults(graph, standard, inputs, "standard pipeline, seed \(seed)")
        #expect(!standard.nodes.contains { $0.operation is any CompositeOperation })
        #expect(standard.nodes.count <= (try Pass.decompose.run(graph)).nodes.count)
    }

    /// Mixed precision changes digits: bf16 keeps 8 bits, and what a graph of a few matmuls makes of their rounding
    /// stays within a few per cent.
    ///
    /// Graphs with gradients are smooth; in others a comparison may turn over.
    @Test(arguments: 0..<60 as Range<UInt64>)
    func mixedPrecisionStaysNearAndSettles(seed: UInt64) throws {
        let graph = try Pipeline.standard.run(RandomGraph(seed: seed, .init(gradients: true)).graph)
        let lowered = try Pass.mixedPrecision.run(graph)
        try lowered.verify()
        #expect(try Pass.mixedPrecision.run(lowered) == lowered, "seed \(seed)")
        #expect(
            !lowered.nodes.contains { $0.operation is Dot && lowered[$0.operands[0]].type.element == .f32 },
            "seed \(seed)")
        try expectSameResults(graph, lowered, randomInputs(for: graph, seed: seed), "seed \(seed)", within: 3e-2)
    }

    /// A composite means the same as its parts, in shapes with extents of 1 and of rank 1 too.
    @Test(arguments: [[7], [1], [3, 5], [4, 1], [2, 1, 3, 17]])
    func decompositionsMeanTheSame(_ shape: [Int]) throws {
        let builder = GraphBuilder(name: "composites")
        let x = builder.input(Input("x", TensorType(.f32, shape)))
        let row = TensorType(.f32, [shape[shape.count - 1]])
        let weight = builder.input(Input("weight", row)), bias = builder.input(Input("bias", row))
        builder.output("softmax", softmax(x))
        builder.output("log_softmax", logSoftmax(x))
        builder.output("layer_norm", layerNormalization(x, weight: weight, bias: bias, epsilon: 1e-5))
        builder.output(
            "batch_norm", batchNormalization(x, weight: weight, bias: bias, axis: shape.count - 1, epsilon: 1e-2))
        builder.output("softplus", softplus(x))
        for rule in Interpolation.Rule.allCases {
            builder.output(rule.rawValue, builder.add(Interpolation(axis: 0, size: 4, rule: rule), [x]))
        }
        builder.output("gelu", gelu(x))
        let graph = try builder.finish()
        let composites = Set(OperationRegistry.all.filter { $0 is any CompositeOperation.Type }.map { $0.name })
        #expect(
            Set(graph.results.map { graph[$0.value].operation.name })
                == composites.subtracting([
                    "attention", "attention_log_sum", "attention_gradient", "convolve", "max_pool",
                    "upsampled_convolution",
                ]))
        let decomposed = try Pass.decompose.run(graph)
        #expect(!decomposed.nodes.contains { $0.operation is any CompositeOperation })
        for seed in 0..<5 as Range<UInt64> {
            try expectSameResults(graph, decomposed, randomInputs(for: graph, seed: seed), "seed \(seed)")
        }
    }

    /// Larger, as large, and smaller images; kernels with one and with several places.
    @Test(arguments: [(2, 3, 4, 6), (3, 2, 3, 2), (1, 2, 5, 2), (4, 3, 2, 7)], [(3, 3), (1, 1), (5, 1)])
    func upsampledConvolutionsMeanTheSame(_ size: (h: Int, w: Int, height: Int, width: Int), _ kernel: (h: Int, w: Int))
        throws
    {
        let builder = GraphBuilder(name: "convolution")
        let x = builder.input(Input("x", TensorType(.f32, [2, size.h, size.w, 3])))
        let weights = builder.input(Input("kernel", TensorType(.f32, [4, 3, kernel.h, kernel.w])))
        builder.output("y", upsampledConvolution2D(x, kernel: weights, height: size.height, width: size.width))
        let graph = try builder.finish(), decomposed = try Pass.decompose.run(graph)
        #expect(!decomposed.nodes.contains { $0.operation is any CompositeOperation })
        try expectSameResults(graph, decomposed, randomInputs(for: graph, seed: 7), "\(size) \(kernel)")
    }

    /// As many keys as queries, fewer and more; values as wide as keys, and not.
    @Test(
        arguments: [([], 4, 4, 3, 3), ([2], 1, 5, 3, 2), ([], 7, 1, 1, 8), ([2, 1, 3], 3, 17, 5, 4)]
            as [([Int], Int, Int, Int, Int)])
    func decompositionsOfAttentionMeanTheSame(_ batch: [Int], _ n: Int, _ m: Int, _ d: Int, _ e: Int) throws {
        let builder = GraphBuilder(name: "attention")
        func input(_ name: String, _ shape: Int...) -> Tensor {
            builder.input(Input(name, TensorType(.f32, batch + shape)))
        }
        let q = input("q", n, d), k = input("k", m, d), v = input("v", m, e), seed = input("seed", n, e)
        func mask(_ element: ElementType, _ shape: Int...) -> Tensor {
            builder.input(Input("mask \(element) \(shape)", TensorType(element, batch.map { _ in 1 } + shape)))
        }
        let masks = [nil, mask(.f32, n, m), mask(.f32, 1, m), mask(.bool, n, m), mask(.bool, n, 1)]
        let key = builder.input(Input("key", TensorType(.i32, [2])))
        for (number, mask) in (masks + masks).enumerated() {
            let dropout = number < masks.count ? nil : AttentionDropout(keep: 0.7, stream: number)
            let scores = AttentionScores(scale: 0.3, isCausal: number % 2 == 1, dropout: dropout)
            let more = [mask, dropout.map { _ in key }].compactMap(\.self)
            let result = builder.add(Attention(scores), [q, k, v] + more)
            builder.output("result \(number)", result)
            builder.output("log-sum \(number)", builder.add(AttentionLogSum(scores), [q, k, v] + more))
            for part in AttentionGradient.Part.allCases where part != .mask || mask?.element == .f32 {
                builder.output(
                    "gradient \(number) of \(part)",
                    AttentionGradient(scores, part: part).of([q, k, v] + more, result: result, seed: seed))
            }
        }
        let graph = try builder.finish(), decomposed = try Pass.decompose.run(graph)
        #expect(!decomposed.nodes.contains { $0.operation is any CompositeOperation })
        for seed in 0..<5 as Range<UInt64> {
            try expectSameResults(graph, decomposed, randomInputs(for: graph, seed: seed), "seed \(seed)")
        }
    }

    @Test func malformedResultsAreDefectsOfThePass() {
        let broken = Pass("break") { graph in
            var graph = graph
            graph.results.append(GraphResult(.output(name: "z"), Value(99)))
            return graph
        }
        let error = #expect(throws: PassDefect.self) { try Pipeline([.deadCode, broken]).run(Graph(name: "g")) }
        #expect(
            error?.description
                == "compiler defect: the graph after pass 'break' is malformed; please report it with the model\n"
                + "the result %99 is not defined")
    }

    @Test func signsOfZeroAreKeptApart() throws {
        let builder = GraphBuilder(name: "zeros")
        let type = TensorType(.f32, [])
        builder.output("positive", 1.0 / builder.add(Constant(type, splat: 0), []))
        builder.output("negative", 1.0 / builder.add(Constant(type, splat: -0.0), []))
        let outputs = try Interpreter().run(Pass.commonSubexpressions.run(builder.finish())).outputs
        #expect(outputs.mapValues(\.values) == ["positive": [.infinity], "negative": [-.infinity]])
    }
}
