import Apus
import ApusInterchange
import Foundation
import Testing

/// A file of Tests/Fixtures/onnx.
func fixture(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures/onnx/\(name)").path
}

/// Numbers of a recording as a tensor of a type.
func recorded(_ name: String, in file: NPZFile, as type: TensorType) throws -> TensorData {
    try TensorData(file.elementType(name), file.shape(name), file.bytes(name), as: type, what: name)
}

/// The results of a graph that was compiled, after all passes.
func compiled(_ graph: Graph, _ weights: [String: HostTensor], _ inputs: [String: TensorData]) throws
    -> [String: TensorData]
{
    let compiler = try Compiler(CompilerOptions(), threads: 1)
    let step = try compiler.compile(Pipeline.fusions(Set(Fusion.allCases)).run(graph)), state = ProgramState()
    try state.add(step.program.parameters, seed: 0)
    for parameter in step.program.parameters {
        try state.write(parameter.name, TensorData(#require(weights[parameter.name])))
    }
    return try step.run(state, inputs).outputs
}

extension OnnxModel.Imported {
    var numbers: [String: HostTensor] { weights.mapValues(\.hostTensor) }
}

/// The largest difference, of numbers of about 1 as it is and of larger ones as a share.
func largestDifference(_ a: [Double], _ b: [Double]) -> Double {
    guard a.count == b.count else { return .infinity }
    return zip(a, b).reduce(0) { largest, pair in
        let (x, y) = pair
        if x == y || (x.isNaN && y.isNaN) { return largest }
        let difference = abs(x - y) / max(1, abs(y))
        return difference.isNaN ? .infinity : max(largest, difference)
    }
}
