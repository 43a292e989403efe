import ApusFiles
import ApusIR
import Foundation
import SwiftProtobuf

/// A graph as ONNX, ready to be written.
public struct OnnxFile: Sendable {
    /// The version of ONNX's operators that files are written with.
    public static let opset = 20
    /// The version of the format that belongs to it.
    static let formatVersion = 9
    /// Bytes of weights that one file holds at most; messages of protobuf are smaller than 2 GiB.
    static let mostBytes = 1_900_000_000

    var message: OnnxModelProto
    let weights: [(name: String, weight: OnnxWeight)]

    init(_ message: OnnxModelProto, _ weights: [(name: String, weight: OnnxWeight)]) {
        self.message = message
        self.weights = weights
    }

    /// The operators of the file, in its order.
    public var operators: [String] { message.graph.node.map(\.opType) }

    /// Bytes of all weights.
    public var weightBytes: Int { weights.reduce(0) { $0 + $1.weight.bytes.count } }

    /// The bytes of one file with everything in it. Throws if that would be too large.
    public func bytes() throws -> Data {
        guard weightBytes <= Self.mostBytes else {
            throw OnnxError(
                .limit, "the weights take \(weightBytes) bytes, which one file cannot hold; write them beside it")
        }
        var message = message
        for (name, weight) in weights {
            var tensor = Self.tensor(name, weight.type)
            tensor.rawData = weight.bytes
            message.graph.initializer.append(tensor)
        }
        return try message.serializedBytes()
    }

    /// Writes the file; weights lie in it, or beside it in `NAME.data` if that is asked for, and if they take more than
    /// 1.9 GB. Throws what the system says.
    public func write(to path: String, weightsBeside: Bool = false) throws {
        guard weightsBeside || weightBytes > Self.mostBytes else {
            let bytes = try bytes()
            try AtomicFile.write(to: path) { (file) throws(FileError) in try Self.write(bytes, to: file) }
            return
        }
        let data = path + ".data", location = URL(fileURLWithPath: data).lastPathComponent
        var message = message, offset = 0, gaps: [Int] = []
        for (name, weight) in weights {
            // Readers that map the file into memory want weights at pages of it.
            let start = weight.bytes.count >= 1 << 16 ? (offset + 4095) / 4096 * 4096 : offset
            var tensor = Self.tensor(name, weight.type)
            tensor.dataLocation = 1
            for (key, value) in [("location", location), ("offset", "\(start)"), ("length", "\(weight.bytes.count)")] {
                var entry = OnnxStringStringEntryProto()
                (entry.key, entry.value) = (key, value)
                tensor.externalData.append(entry)
            }
            message.graph.initializer.append(tensor)
            gaps.append(start - offset)
            offset = start + weight.bytes.count
        }
        let parts = zip(gaps, weights.map(\.weight.bytes)).map { ($0, $1) }
        try AtomicFile.write(to: data) { (file) throws(FileError) in
            for (gap, bytes) in parts {
                try Self.write(Data(count: gap), to: file)
                try Self.write(bytes, to: file)
            }
        }
        let bytes: Data = try message.serializedBytes()
        try AtomicFile.write(to: path) { (file) throws(FileError) in try Self.write(bytes, to: file) }
    }

    private static func tensor(_ name: String, _ type: TensorType) -> OnnxTensorProto {
        var tensor = OnnxTensorProto()
        (tensor.name, tensor.dims, tensor.dataType) = (name, type.shape.map(Int64.init), type.element.code.rawValue)
        return tensor
    }

    private static func write(_ bytes: Data, to file: borrowing AtomicFile.Output) throws(FileError) {
        guard !bytes.isEmpty else { return }
        // A closure of `Data` cannot say which errors it throws.
        var failure: FileError?
        bytes.withUnsafeBytes { raw in
            do throws(FileError) { try file.write(raw) } catch { failure = error }
        }
        if let failure { throw failure }
    }
}
