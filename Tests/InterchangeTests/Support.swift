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

extension OnnxModel.Imported {
    /// The results of the compiled graph, after all passes.
    func run(_ inputs: [String: TensorData], _ options: CompilerOptions = CompilerOptions()) throws -> [String:
        TensorData]
    {
        let compiler = try Compiler(options, threads: 1)
        let graph = try Pipeline.fusions(Set(Fusion.allCases)).run(graph)
        let compiled = try compiler.compile(graph), state = ProgramState()
        try state.add(compiled.program.parameters, seed: 0)
        for parameter in compiled.program.parameters {
            let weight = try #require(weights[parameter.name])
            try state.write(parameter.name, TensorData(weight.hostTensor))
        }
        return try compiled.run(state, inputs).outputs
    }

    /// The results by the interpreter.
    func interpreted(_ inputs: [String: HostTensor]) throws -> [String: HostTensor] {
        try Interpreter().run(graph, inputs: inputs, parameters: weights.mapValues(\.hostTensor)).outputs
    }
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
