import Apus
import ApusInterchange
import Foundation
import MSMAE
import Testing

import ApusExamples

/// Graphs that were written as ONNX and read back compute what they did.
struct RoundTripTests {
    /// Numbers of a type that depend on a seed alone: integers are from 0 to 2.
    private func numbers(_ type: TensorType, seed: Int, isPositive: Bool = false) -> HostTensor {
        var random = CounterRandom(seed: UInt64(seed), index: 0, purpose: CounterRandom.Purpose(rawValue: 40))
        var tensor = HostTensor(type)
        for index in tensor.values.indices {
            let number = random.uniform(in: isPositive ? 0.2...2 : -1.5...1.5)
            tensor.values[index] =
                switch type.element {
                case .i32: (abs(number) * 2).rounded(.down)
                case .bool: number > -0.5 ? 1 : 0
                default: Double(Float(number))
                }
        }
        return tensor
    }

    private func expectEqual(
        _ graph: Graph, isPositive: Bool = false, through file: OnnxFile, _ dimensions: [String: Int] = [:],
        called name: String? = nil, isLarge: Bool = false
    )
        throws
    {
        let model = try OnnxModel(file.bytes()).imported(dimensions: dimensions)
        #expect(model.graph.name == graph.name)
        var inputs: [String: HostTensor] = [:], parameters: [String: HostTensor] = [:]
        for (place, (_, input)) in graph.inputs.enumerated() {
            inputs[input.name] = numbers(input.type, seed: place, isPositive: isPositive)
        }
        for (place, (_, parameter)) in graph.parameters.enumerated() {
            parameters[parameter.name] = weight(parameter, place)
        }
        let given = inputs.filter { name, _ in model.graph.inputs.contains { $0.operation.name == name } }
        let expected: [String: HostTensor], results: [String: HostTensor]
        if isLarge {
            let data = inputs.mapValues { TensorData($0) }
            expected = try compiled(graph, parameters, data).mapValues(\.hostTensor)
            results = try compiled(model.graph, model.numbers, data).mapValues(\.hostTensor)
        } else {
            expected = try Interpreter().run(graph, inputs: inputs, parameters: parameters).outputs
            results = try Interpreter().run(model.graph, inputs: given, parameters: model.numbers).outputs
        }
        if let name {
            try keep(file, name, given, "input")
            try keep(file, name, expected, "output")
        }
        #expect(Set(results.keys) == Set(expected.keys))
        for (name, tensor) in expected {
            let result = try #require(results[name])
            #expect(result.type == tensor.type)
            #expect(largestDifference(result.values, tensor.values) < (isLarge ? 1e-5 : 1e-6), "\(name)")
        }
    }

    /// Weights of a size that leaves numbers as large as they are.
    private func weight(_ parameter: Parameter, _ place: Int) -> HostTensor {
        var tensor = numbers(parameter.type, seed: 100 + place, isPositive: parameter.name.contains("var"))
        guard parameter.type.rank > 1 else { return tensor }
        let inputs = Double(parameter.type.count / parameter.type.shape[0])
        for index in tensor.values.indices {
            tensor.values[index] = Double(Float(tensor.values[index] / inputs.squareRoot()))
        }
        return tensor
    }

    private func exported(_ graph: Graph, _ options: OnnxExportOptions = OnnxExportOptions()) throws -> OnnxFile {
        let places = Dictionary(
            uniqueKeysWithValues: graph.parameters.enumerated().map { ($1.operation.name, $0) })
        return try graph.onnx(options: options) { OnnxWeight(weight($0, places[$0.name] ?? 0)) }
    }

    @Test(arguments: exportSamples) func operation(_ sample: ExportSample) throws {
        let graph = try sample.graph(), file = try exported(graph)
        #expect(Set(file.operators).isSuperset(of: sample.operators), "\(file.operators)")
        let number = exportSamples.firstIndex { $0.description == sample.description } ?? 0
        try expectEqual(
            graph, isPositive: sample.isPositive, through: file, called: "operation-\(number)-\(sample.operation.name)")
    }

    @Test func everyOperationIsSaidOrRefused() {
        // A new operation needs a sample, or a place among those that ONNX cannot say.
        let refused: Set = [
            "input", "parameter", "random_uniform", "attention_log_sum", "attention_gradient", "all_reduce",
            "reduce_scatter", "all_gather",
        ]
        let covered = Set(exportSamples.map(\.operation.name))
        #expect(Set(OperationRegistry.all.map { $0.name }).subtracting(covered) == refused)
    }

    /// Every example model, small, for a number of samples.
    static let examples: [@Sendable (Int) -> InferenceStep] = [
        { n in InferenceStep("resnet") { Output("y", ResNet18(classes: 4, width: 4)(Input("x", [n, 3, 16, 16]))) } },
        { n in InferenceStep("unet") { Output("y", UNet(widths: [8, 16])(Input("x", [n, 1, 8, 8]))) } },
        { n in
            var model = CharacterTransformer(vocabulary: 9)
            (model.context, model.dim, model.heads, model.blocks) = (6, 8, 2, 2)
            let layer = model
            return InferenceStep("gpt") { Output("y", layer(Input("tokens", [n, 6], .int32))) }
        },
        { n in InferenceStep("digits") { Output("y", DigitClassifier()(Input("images", [n, 64]))) } },
        { n in InferenceStep("encoder") { Output("y", VariationalAutoencoder().encoder(Input("images", [n, 64]))) } },
        { n in
            InferenceStep("decoder") { Output("y", sigmoid(VariationalAutoencoder().decoder(Input("codes", [n, 8])))) }
        },
        { n in InferenceStep("gru") { Output("y", SeriesForecaster()(Input("values", [n, 5, 1]))) } },
    ]

    @Test(arguments: examples.indices) func example(_ index: Int) throws {
        let graph = try Self.examples[index](2).trace()
        try expectEqual(graph, through: exported(graph), called: "example-\(graph.name)", isLarge: true)
    }

    @Test(arguments: examples.indices) func openBatch(_ index: Int) throws {
        let step = Self.examples[index], graph = try step(2).trace()
        let file = try exported(graph, OnnxExportOptions(batch: .symbolic(name: "n", other: step(3).trace())))
        for count in [1, 3] {
            try expectEqual(
                step(count).trace(), through: file, ["n": count], called: "example-\(graph.name)-open", isLarge: true)
        }
    }

    @Test(arguments: ["infer", "attention", "segment"]) func maskedAutoencoder(_ name: String) throws {
        var configuration = try #require(Configuration.preset("demo"))
        (configuration.image, configuration.depth, configuration.classes) = (32, 4, 3)
        let model = try MaskedAutoencoder(configuration)
        func graph(_ batch: Int) throws -> Graph {
            switch name {
            case "infer": try model.classification(batch: batch).trace()
            case "attention": try model.attentionMap(batch: batch).trace()
            default: try SegmentationModel(on: model).segmentation(batch: batch).trace()
            }
        }
        try expectEqual(graph(2), through: exported(graph(2)), called: "msmae-\(name)", isLarge: true)
        let open = try exported(graph(2), OnnxExportOptions(batch: .symbolic(name: "n", other: graph(3))))
        try expectEqual(graph(1), through: open, ["n": 1], called: "msmae-\(name)-open", isLarge: true)
    }

    /// Where `APUS_ONNX` names a folder, files go there with numbers, for Scripts/onnx-check.
    private func keep(_ file: OnnxFile, _ name: String, _ tensors: [String: HostTensor], _ kind: String) throws {
        guard let folder = ProcessInfo.processInfo.environment["APUS_ONNX"] else { return }
        try file.write(to: "\(folder)/\(name).onnx")
        let tensors = tensors.sorted { $0.key < $1.key }
        for (key, tensor) in tensors {
            try NPYFile.write(TensorData(tensor), to: "\(folder)/\(name).\(kind).\(key).npy")
        }
    }
}
