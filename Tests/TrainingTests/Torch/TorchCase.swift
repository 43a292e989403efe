import Apus
import Foundation
import Testing

/// What a layer, function or loss of PyTorch has computed, as Tests/Fixtures/record_layers.py records it, and the model
/// that is to compute the same.
struct TorchCase: Sendable, CustomTestStringConvertible {
    /// The name in the recording.
    let name: String
    /// The result for the inputs, in order.
    let model: @Sendable ([Tensor]) -> Tensor

    static func inputs(_ name: String, _ model: @escaping @Sendable ([Tensor]) -> Tensor) -> TorchCase {
        TorchCase(name: name, model: model)
    }

    /// A layer of one input.
    static func layer<L: Layer>(_ name: String, _ layer: @escaping @Sendable () -> L) -> TorchCase {
        TorchCase(name: name) { inputs in layer()(inputs[0]) }
    }

    /// A function of one input.
    static func function(_ name: String, _ function: @escaping @Sendable (Tensor) -> Tensor) -> TorchCase {
        TorchCase(name: name) { inputs in function(inputs[0]) }
    }

    /// Whether the recorded inputs lie where there is no derivative: ties of pooling, and corners of activations.
    var hasCorners: Bool {
        name.contains("max_pool") || name == "norm_zero"
            || [
                "relu6", "hardsigmoid", "hardswish", "hardshrink", "softshrink", "hardtanh", "relu", "selu",
                "leaky_relu", "elu_alpha",
            ]
            .contains(name)
    }

    /// The step that a recording was made with: a random weighting of the result is the loss. Inputs of floating point
    /// are trained as weights are.
    func step(_ inputs: [(name: String, data: TensorData)], _ weighting: TensorData, learningRate: Double)
        -> TrainingStep
    {
        TrainingStep(optimizer: .sgd(learningRate: learningRate)) {
            let tensors = inputs.map { name, data in
                data.type.element == .i32
                    ? Input(name, data.type.shape, .int32) : weight("input.\(name)", data.type.shape, .zeros)
            }
            let result = model(tensors)
            Loss(sum(result * Input("weighting", weighting.type.shape), axes: Array(result.shape.indices)))
            Output("result", result)
        }
    }

    var testDescription: String { name }
}

/// A recording of PyTorch.
struct TorchRecording: Sendable {
    let file: SafetensorsFile

    init(_ name: String) throws {
        let path = URL(filePath: #filePath).deletingLastPathComponent().path + "/../../Fixtures/\(name).safetensors"
        file = try SafetensorsFile(contentsOf: path)
    }

    /// Names of the tensors of a case that begin with `part`, without it, in order.
    func names(_ name: String, _ part: String) -> [String] {
        let prefix = "\(name)/\(part)."
        return file.names.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }.sorted()
    }

    var cases: Set<String> { Set(file.names.compactMap { $0.split(separator: "/").first.map(String.init) }) }

    func tensor(_ name: String) throws -> TensorData {
        let shape = try file.shape(name)
        return try file.elementType(name) == .i32
            ? TensorData(file.integers(name), shape: shape) : TensorData(file.floats(name), shape: shape)
    }
}

/// The largest difference between two lists of numbers, in parts of the largest number that was expected.
func largestError(_ found: [Float], _ expected: [Float]) -> Float {
    guard found.count == expected.count else { return .infinity }
    let scale = max(expected.map { abs($0) }.max() ?? 0, 1e-3)
    return zip(found, expected).reduce(0) { worst, pair in
        let difference = abs(pair.0 - pair.1)
        return difference.isNaN ? .infinity : max(worst, difference / scale)
    }
}
