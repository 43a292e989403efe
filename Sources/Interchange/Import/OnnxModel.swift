import ApusFiles
import ApusIR
import Foundation
import SwiftProtobuf

/// An ONNX file that was read: what it asks for, and how it becomes a graph.
///
/// Files are believed only where they agree: an ``OnnxError`` names the node, tensor or dimension that does not.
public struct OnnxModel: Sendable {
    /// The versions of the set of operators that are read.
    public static let opsets = 13...25

    /// The version of ONNX's own operators that the file asks for.
    public let opset: Int
    /// The program that wrote the file, as it calls itself.
    public let producer: String
    let path: String
    let message: OnnxModelProto

    /// The numbers of a graph, and the graph.
    public struct Imported: Sendable {
        /// The graph, verified; its operations are located at the nodes of the file.
        public var graph: Graph
        /// The numbers of all parameters of the graph by name.
        public var weights: [String: OnnxWeight]
    }

    /// Reads a file. Throws ``OnnxError``, or what the system says of the file.
    public init(contentsOf path: String) throws {
        let file = try MappedFile(contentsOf: path)
        try self.init(file.withBytes { Data($0) }, path: path)
    }

    /// Reads the bytes of a file, whose path other files are found by. Throws ``OnnxError``.
    public init(_ bytes: Data, path: String = "") throws {
        self.path = path
        do {
            try WireLimits().check(bytes)
            do {
                message = try OnnxModelProto(serializedBytes: bytes)
            } catch let error as BinaryDecodingError {
                throw OnnxError(.file, "is no ONNX file, or a damaged one (\(error))")
            } catch let error as SwiftProtobufError {
                throw OnnxError(.file, "is no ONNX file, or a damaged one (\(error))")
            }
            guard message.hasGraph else { throw OnnxError(.file, "is no ONNX file: it has no graph") }
            producer = shown(
                [message.producerName, message.producerVersion].filter { !$0.isEmpty }.joined(separator: " "))
            opset = try Self.opset(of: message)
        } catch let error as OnnxError { throw error.inFile(path) }
    }

    private static func opset(of message: OnnxModelProto) throws -> Int {
        let versions = message.opsetImport.filter { ["", "ai.onnx"].contains($0.domain) }.map(\.version)
        guard let version = versions.first else {
            throw OnnxError(.version, "does not say which version of ONNX's operators it uses")
        }
        guard versions.count == 1, let opset = Int(exactly: version), Self.opsets ~= opset else {
            let known = "\(Self.opsets.lowerBound) to \(Self.opsets.upperBound)"
            throw OnnxError(
                .version,
                "asks for version \(versions.map(String.init).joined(separator: " and ")) of ONNX's operators (opset); "
                    + "\(known) are read. Export the model again with one of these")
        }
        return opset
    }

    /// The graph, with the extents that the file leaves open.
    ///
    /// - Parameter dimensions: Extents of open dimensions by their names; one without a name is called after its input
    ///   and axis, such as `images.0`.
    ///
    /// Throws ``OnnxError`` for what is not offered or does not fit together.
    public func imported(dimensions: [String: Int] = [:]) throws -> Imported {
        do {
            return try GraphImporter(self).imported(dimensions)
        } catch let error as OnnxError {
            throw error.inFile(path)
        }
    }
}
