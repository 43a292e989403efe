import Apus
import ApusInterchange
import Foundation
import Testing

private let folder = ProcessInfo.processInfo.environment["APUS_LARGE"]

/// Weights of more than 2 GB, which no message of protobuf holds. Only `Scripts/large-weights` runs this, in a folder
/// with the graph: it takes several times the weights in memory, and writes them.
@Suite(.enabled(if: folder != nil, "takes gigabytes of memory: Scripts/large-weights runs it"))
struct LargeWeightsTests {
    /// The numbers that the script's `tables.py` has.
    private func weight(_ parameter: Parameter) throws -> OnnxWeight {
        let shape = parameter.type.shape, width = shape.count == 2 ? shape[1] : 1
        var bytes = Data(count: parameter.type.byteCount)
        bytes.withUnsafeMutableBytes { raw in
            let numbers = raw.bindMemory(to: Float.self)
            for place in numbers.indices {
                let (row, column) = (place / width, place % width)
                numbers[place] = shape.count == 2 ? Float((row * 7 + column * 13) % 1024) / 1024 : Float(row)
            }
        }
        return try OnnxWeight(parameter.type, bytes: bytes)
    }

    @Test func weightsLieBesideTheFile() throws {
        let folder = try #require(folder), path = "\(folder)/large.onnx"
        let graph = try Graph(parsing: String(contentsOfFile: "\(folder)/large.graph", encoding: .utf8))
        let file = try graph.onnx(weights: weight)
        #expect(file.weightBytes > 1 << 31)
        #expect(throws: OnnxError.self) { try file.bytes() }
        try file.write(to: path)
        let imported = try OnnxModel(contentsOf: path).imported()
        for parameter in graph.parameters.map(\.operation) {
            #expect(try imported.weights[parameter.name] == weight(parameter), "\(parameter.name)")
        }
    }
}
