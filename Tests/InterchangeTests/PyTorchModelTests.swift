import Apus
import ApusInterchange
import Testing

/// Models that PyTorch's exporters wrote, against what onnxruntime computed of them; see record_onnx.py.
struct PyTorchModelTests {
    static let models = ["mlp", "resnet18", "vit", "unet", "text", "pyramid"]

    private func imported(_ name: String, _ opset: Int, _ recording: NPZFile) throws -> (
        model: OnnxModel.Imported, inputs: [String: TensorData], expected: TensorData
    ) {
        let model = try OnnxModel(contentsOf: fixture("\(name)-\(opset).onnx"))
        #expect(model.opset == opset && model.producer.hasPrefix("pytorch"))
        let y = "y-\(opset)", batch = try recording.shape(y)[0]
        let imported = try model.imported(dimensions: opset > 17 ? ["batch": batch] : [:])
        var inputs: [String: TensorData] = [:]
        for (_, input) in imported.graph.inputs {
            inputs[input.name] = try recorded(input.name, in: recording, as: input.type)
        }
        let expected = try recorded(y, in: recording, as: TensorType(.f32, recording.shape(y)))
        return (imported, inputs, expected)
    }

    @Test(arguments: models, [17, 20]) func compiledModelsGiveWhatOnnxruntimeGives(name: String, opset: Int) throws {
        let recording = try NPZFile(contentsOf: fixture("\(name).npz"))
        let (model, inputs, expected) = try imported(name, opset, recording)
        let result = try #require(compiled(model.graph, model.numbers, inputs)["y"])
        #expect(result.type == expected.type)
        #expect(largestDifference(result.hostTensor.values, expected.hostTensor.values) < 1e-5)
    }

    @Test func weightsKeepTheirNames() throws {
        let model = try OnnxModel(contentsOf: fixture("vit-20.onnx")).imported(dimensions: ["batch": 1])
        let names = Set(model.graph.parameters.map(\.operation.name))
        #expect(names.isSuperset(of: ["cls", "pos", "embed.weight", "blocks.0.norm1.weight", "head.bias"]))
        #expect(names == Set(model.weights.keys))
        #expect(model.graph.parameters.allSatisfy { model.weights[$0.operation.name]?.type == $0.operation.type })
    }
}
