import Apus
import MSMAE
import Testing

/// What fine-tuning can do beside what was recorded of it.
@Suite struct FineTuningTests {
    private static let optimizer = Optimizer.adamW(learningRate: 1e-3)
    private static let batch = 6

    private static var configuration: Configuration {
        var configuration = Configuration()
        (configuration.image, configuration.patch) = (16, 4)
        (configuration.dim, configuration.depth, configuration.heads) = (16, 3, 2)
        (configuration.decoderDim, configuration.decoderDepth, configuration.decoderHeads) = (8, 1, 2)
        configuration.classes = 3
        return configuration
    }

    private static func inputs(for graph: Graph, key: [Double] = [1, 2]) -> [String: HostTensor] {
        Dictionary(
            uniqueKeysWithValues: graph.inputs.map { _, input in
                let values: [Double] =
                    switch input.name {
                    case "random_key": key
                    case "labels": (0..<batch).map { Double($0 % 3) }
                    case "targets": (0..<batch).flatMap { image in image % 2 == 0 ? [0.25, 0.75, 0] : [0.5, 0, 0.5] }
                    case "mask_weights": (0..<input.type.count).map { Double($0 * 37 % 101 + 1) / 101 }
                    case "images": (0..<input.type.count).map { Double($0 * 29 % 113) / 56 - 1 }
                    default: Array(repeating: 1, count: input.type.count)
                    }
                return (input.name, HostTensor(input.type, values))
            })
    }

    /// The weights that a program starts with.
    private static func weights(of step: TrainingStep) throws -> [String: HostTensor] {
        let state = ProgramState()
        try state.add(step.trace().graph.parameters.map(\.operation), seed: 4)
        var weights: [String: HostTensor] = [:]
        for name in state.names { weights[name] = try state.read(name).hostTensor }
        // The head starts near zero.
        weights["head.weight"]?.values = (0..<48).map { Double($0 * 11 % 17) / 17 - 0.5 }
        return weights
    }

    private static func run(_ options: FineTuningOptions, key: [Double] = [1, 2]) throws -> [String: HostTensor] {
        let step = try MaskedAutoencoder(configuration).fineTuning(batch: batch, options: options, optimizer: optimizer)
        let graph = try step.trace().graph
        return try Interpreter().run(graph, inputs: inputs(for: graph, key: key), parameters: weights(of: step)).outputs
    }

    @Test(arguments: [
        FineTuningOptions(dropPath: 0.4), FineTuningOptions(dropPath: 0.4, pooling: .classToken, softTargets: true),
        FineTuningOptions(smoothing: 0, dropPath: 0.4, pooling: .classToken, masking: nil),
        FineTuningOptions(dropPath: 0, softTargets: true, masking: .random),
    ])
    func compiledStepsAreThoseOfTheInterpreter(options: FineTuningOptions) throws {
        let step = try MaskedAutoencoder(Self.configuration).fineTuning(
            batch: Self.batch, options: options, optimizer: Self.optimizer)
        let graph = try step.trace().wholeGraph([.output])
        let inputs = Self.inputs(for: graph), weights = try Self.weights(of: step)
        let expected = try Interpreter().run(graph, inputs: inputs, parameters: weights).outputs
        let program = try Compiler(threads: 2).compile(step, [.output]), state = try program.makeState(seed: 0)
        for (name, value) in weights { try state.write(name, TensorData(value)) }
        let report = try program.run(state, inputs.mapValues { TensorData($0) })
        #expect(Set(report.outputs.keys) == Set(expected.keys))
        let largest = expected.filter { $0.key.hasPrefix("grad.") }.values.flatMap(\.values).map(abs).max() ?? 0
        for (name, value) in expected {
            let found = try #require(report[name]).hostTensor.values
            let isNoise =
                name.hasPrefix("grad.") && (found + value.values).allSatisfy { abs($0) < Tolerance.noise * largest }
            #expect(isNoise || relativeError(found, value.values) < Tolerance.gradient, "\(name)")
        }
    }

    @Test func dropPathRisesFromBlockToBlock() throws {
        let step = try MaskedAutoencoder(Self.configuration)
            .fineTuning(batch: Self.batch, options: FineTuningOptions(dropPath: 0.4), optimizer: Self.optimizer)
        let graph = try step.trace().graph
        var chances: [String: [Double?]] = [:], streams: Set<Int> = []
        for node in graph.nodes where (node.operation as? Compare)?.direction == .less {
            guard let draw = graph[node.operands[0]].operation as? RandomUniform else { continue }
            let limit = graph[node.operands[1]],
                constant = limit.operation is Broadcast ? graph[limit.operands[0]] : limit
            let block = node.location?.path.split(separator: ".").prefix(2).joined(separator: ".") ?? ""
            chances[block, default: []].append((constant.operation as? Constant)?.splat)
            streams.insert(draw.stream)
            #expect(draw.shape == [Self.batch, 1, 1])
        }
        #expect(chances == ["blocks.1": [0.8, 0.8], "blocks.2": [0.6, 0.6]])
        #expect(streams.count == 4)
    }

    /// The last block computes queries and perceptron of the class token alone, with or without drop path.
    @Test func dropPathLeavesUnreadRowsOut() throws {
        let model = try MaskedAutoencoder(Self.configuration)
        func cost(_ options: FineTuningOptions, _ fusions: Set<Fusion>) throws -> Int {
            let step = model.fineTuning(batch: Self.batch, options: options, optimizer: Self.optimizer)
            return ModelCost(of: try NamedStep.Declaration.training(step).forward(fusions)).total
        }
        let plain = FineTuningOptions(dropPath: 0, pooling: .classToken),
            dropped = FineTuningOptions(dropPath: 0.4, pooling: .classToken)
        #expect(try cost(plain, [.gather]) < cost(plain, []))
        #expect(try cost(dropped, [.gather]) == cost(plain, [.gather]))
    }

    @Test func keyDecidesWhatIsDropped() throws {
        let options = FineTuningOptions(dropPath: 0.5, masking: nil)
        let logits = try Self.run(options)["logits"]
        #expect(try Self.run(options)["logits"] == logits)
        #expect(try Self.run(options, key: [1, 3])["logits"] != logits)
        #expect(try Self.run(FineTuningOptions(dropPath: 0, masking: nil))["logits"] != logits)
    }

    @Test func inferenceDropsNothing() throws {
        let model = try MaskedAutoencoder(Self.configuration)
        let step = model.fineTuning(
            batch: Self.batch, options: FineTuningOptions(dropPath: 0, masking: nil), optimizer: Self.optimizer)
        for pooling in Pooling.allCases {
            let graph = try model.classification(batch: Self.batch, pooling: pooling).trace()
            let options = FineTuningOptions(dropPath: 0, pooling: pooling, masking: nil)
            let weights = try Self.weights(
                of: model.fineTuning(batch: Self.batch, options: options, optimizer: Self.optimizer))
            let outputs = try Interpreter().run(graph, inputs: Self.inputs(for: graph), parameters: weights).outputs
            #expect(try Self.run(options)["logits"] == outputs["logits"])
            #expect(outputs["features"]?.shape == [Self.batch, 16])
        }
        #expect(try step.trace().graph.inputs.map(\.operation.name) == ["images", "labels"])
    }

    @Test func softTargetsOfOneClassAreLabels() throws {
        let options = FineTuningOptions(dropPath: 0),
            step = try MaskedAutoencoder(Self.configuration)
                .fineTuning(
                    batch: Self.batch, options: FineTuningOptions(dropPath: 0, softTargets: true),
                    optimizer: Self.optimizer)
        let graph = try step.trace().graph
        var inputs = Self.inputs(for: graph)
        inputs["targets"] = HostTensor(
            TensorType(.f32, [Self.batch, 3]),
            (0..<Self.batch).flatMap { image in (0..<3).map { $0 == image % 3 ? 1 : 0 } })
        let soft = try Interpreter().run(graph, inputs: inputs, parameters: Self.weights(of: step)).outputs
        let hard = try Self.run(options)
        for name in ["loss", "accuracy", "logits"] { #expect(soft[name] == hard[name]) }
    }

    @Test func softTargetsHaveTheCrossEntropyOfTheirParts() throws {
        // The loss is linear in the target: half of one label and half of another cost the mean of both.
        let graph = try InferenceStep {
            let logits = Input("logits", [1, 3]), targets = Input("targets", [1, 3])
            Output("loss", crossEntropy(logits, targets: targets, smoothing: 0.3))
        }.trace()
        func loss(_ target: [Double]) throws -> Double {
            let type = TensorType(.f32, [1, 3])
            let inputs = ["logits": HostTensor(type, [0.5, -1, 2]), "targets": HostTensor(type, target)]
            return try #require(try Interpreter().run(graph, inputs: inputs).outputs["loss"]).values[0]
        }
        // PyTorch: cross_entropy(tensor([[0.5, -1, 2]]), tensor([[0.25, 0, 0.75]]), label_smoothing=0.3)
        #expect(abs(try loss([0.25, 0, 0.75]) - 0.9538112966571569) < 1e-12)
        #expect(abs(try loss([0.25, 0, 0.75]) - 0.25 * loss([1, 0, 0]) - 0.75 * loss([0, 0, 1])) < 1e-12)
    }

    /// The head of pre-training reads the class token too, and was recorded.
    @Test func classTokenIsThatOfTheRecordedPreTraining() throws {
        let fixture = try Fixture("pretrain-attention-masking")
        let step = try MaskedAutoencoder(fixture.configuration)
            .classification(batch: fixture.batch, masking: .attention, permutation: .replayed, pooling: .classToken)
        let logits = try #require(
            try Interpreter().run(
                step.trace(), inputs: fixture.inputs("images", "ids_shuffle"), parameters: fixture.tensors("param.")
            ).outputs["logits"])
        let loss = try InferenceStep {
            Output(
                "loss", crossEntropy(softmax(Input("logits", logits.shape)), Input("labels", [fixture.batch], .int32)))
        }.trace()
        let outcome = try Interpreter().run(loss, inputs: fixture.inputs("labels").merging(["logits": logits]) { $1 })
        try expectEqual(outcome.outputs["loss"], fixture.tensor("expect.classification_loss"))
    }
}
