import Apus
import Foundation

/// The recordings that the repository holds, and copies of them that are altered on the way.
enum Recordings {
    private static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures").path

    static func path(_ name: String) -> String { "\(folder)/\(name).safetensors" }

    /// A recording in memory.
    struct Contents {
        struct Tensor {
            var type: SafetensorsElementType
            var shape: [Int]
            var bytes: [UInt8]

            /// Changes all f32 numbers.
            mutating func changeAll(_ change: (Float) -> Float) {
                for index in 0..<bytes.count / 4 { self.change(index, change) }
            }

            /// Changes one f32 number.
            mutating func change(_ index: Int, _ change: (Float) -> Float) {
                bytes.withUnsafeMutableBytes { buffer in
                    let value = buffer.loadUnaligned(fromByteOffset: index * 4, as: Float.self)
                    buffer.storeBytes(of: change(value), toByteOffset: index * 4, as: Float.self)
                }
            }
        }

        var tensors: [String: Tensor]
        /// The JSON text that describes the recording.
        var description: String
    }

    static func contents(_ name: String) throws -> Contents {
        let file = try SafetensorsFile(contentsOf: path(name))
        var tensors: [String: Contents.Tensor] = [:]
        for name in file.names {
            tensors[name] = Contents.Tensor(
                type: try file.elementType(name), shape: try file.shape(name), bytes: try file.bytes(name))
        }
        return Contents(tensors: tensors, description: file.metadata["fixture"] ?? "")
    }

    /// Writes an altered copy of a recording, calls `body` with its path, and removes it.
    static func withAltered<Result>(
        _ name: String, _ alter: (inout Contents) throws -> Void, _ body: (String) throws -> Result
    ) throws -> Result {
        var altered = try contents(name)
        try alter(&altered)
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).safetensors")
            .path
        defer { try? FileManager.default.removeItem(atPath: path) }
        // The writer reads the tensors where they lie: one allocation each that lives until all are written.
        var memory: [UnsafeMutableRawBufferPointer] = []
        defer { for buffer in memory { buffer.deallocate() } }
        let tensors = altered.tensors.map { name, tensor in
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: tensor.bytes.count, alignment: 8)
            buffer.copyBytes(from: tensor.bytes)
            memory.append(buffer)
            return SafetensorsWriter.Tensor(name, tensor.type, tensor.shape, body: UnsafeRawBufferPointer(buffer))
        }
        try SafetensorsWriter.write(to: path, metadata: ["fixture": altered.description], tensors: tensors)
        return try body(path)
    }
}
