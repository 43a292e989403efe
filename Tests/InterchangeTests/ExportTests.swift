import Apus
import ApusInterchange
import Foundation
import Testing

struct ExportTests {
    private func message(_ body: () throws -> Void) -> String {
        do { try body() } catch { return "\(error)" }
        return "no error"
    }

    private func linear(_ batch: Int) throws -> Graph {
        try InferenceStep("model") { Output("y", Linear(3, 2).named("fc")(Input("x", [batch, 3]))) }.trace()
    }

    private let weights: [String: HostTensor] = {
        var weight = HostTensor(TensorType(.f32, [2, 3])), bias = HostTensor(TensorType(.f32, [2]))
        weight.values = [1, 2, 3, 4, 5, 6]
        bias.values = [0.5, -0.5]
        return ["fc.weight": weight, "fc.bias": bias]
    }()

    @Test func namesAndOpsetAreKept() throws {
        let file = try linear(4).onnx(weights), model = try OnnxModel(file.bytes())
        #expect(model.opset == OnnxFile.opset && model.producer == "Apus")
        let imported = try model.imported()
        #expect(imported.graph.inputs.map(\.operation.name) == ["x"])
        #expect(Set(imported.graph.parameters.map(\.operation.name)) == ["fc.weight", "fc.bias"])
        #expect(imported.weights.mapValues(\.hostTensor) == weights)
        #expect(file.operators == ["Gemm", "Add"])
    }

    @Test func weightsLieInsideOrBeside() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "apus-onnx-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "model.onnx").path, file = try linear(4).onnx(weights)
        try file.write(to: path)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["model.onnx"])
        let inside = try OnnxModel(contentsOf: path).imported()
        try file.write(to: path, weightsBeside: true)
        #expect(
            Set(try FileManager.default.contentsOfDirectory(atPath: folder.path)) == ["model.onnx", "model.onnx.data"])
        let beside = try OnnxModel(contentsOf: path).imported()
        #expect(inside.weights == beside.weights && inside.graph == beside.graph)
        #expect(inside.weights.mapValues(\.hostTensor) == weights)
    }

    @Test func whatOnnxCannotSayIsNamedWithItsLine() throws {
        let builder = GraphBuilder(name: "noise")
        builder.location = SourceLocation(file: "Noise.swift", line: 12, path: "drop")
        let key = builder.input(Input("key", TensorType(.i32, [2])))
        builder.output("y", randomUniform([3], key: key, stream: 1))
        let graph = try builder.finish()
        #expect(
            message { _ = try graph.onnx() }
                == "Noise.swift:12 in drop: random_uniform: ONNX has no operator for it, nor is it made of such")
    }

    @Test func aGraphThatUpdatesIsRefused() throws {
        let builder = GraphBuilder(name: "step")
        let w = builder.parameter(Parameter("w", TensorType(.f32, [2]), .zeros))
        builder.update(w, with: w + 1)
        let graph = try builder.finish()
        #expect(
            message { _ = try graph.onnx() } == "the graph updates parameters; only graphs of inferences become ONNX")
    }

    @Test func anOutputThatIsAnInputAndAnotherOutput() throws {
        let builder = GraphBuilder(name: "copies")
        let x = builder.input(Input("x", TensorType(.f32, [2]))), y = x + 1
        for (name, tensor) in [("constant_1", x), ("Add_1", y), ("Add_2", y)] { builder.output(name, tensor) }
        var graph = try builder.finish()
        let imported = try OnnxModel(graph.onnx().bytes()).imported()
        let results = try Interpreter().run(
            imported.graph, inputs: ["x": HostTensor(TensorType(.f32, [2]), fill: 3)]
        ).outputs.mapValues(\.values)
        #expect(results == ["constant_1": [3, 3], "Add_1": [4, 4], "Add_2": [4, 4]])
        graph.results[0].kind = .output(name: "x")
        #expect(
            message { _ = try graph.onnx() }
                == "'x' is the name of an output and of an input or a parameter; ONNX has one name for one thing")
    }

    @Test func weightsThatAreMissingAreNamed() throws {
        #expect(
            message { _ = try linear(1).onnx(["fc.weight": weights["fc.weight"]!]) }
                == "the numbers of the parameter 'fc.bias' are not given")
    }

    @Test func aBatchThatShapesOtherThingsStaysFixed() throws {
        func graph(_ batch: Int) throws -> Graph {
            try InferenceStep("model") { Output("y", mean(Input("x", [batch, 3]), axes: [0])) }.trace()
        }
        let text = message {
            _ = try graph(2).onnx(options: OnnxExportOptions(batch: .symbolic(name: "n", other: graph(3))))
        }
        #expect(
            text.hasSuffix(
                "constant depends on the number of samples, so that the batch cannot be symbolic; export it with a fixed one"
            ))
    }
}
