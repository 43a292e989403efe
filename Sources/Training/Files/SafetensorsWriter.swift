import ApusFiles
import Foundation

/// Writes safetensors files, atomically and straight from the memory that holds the tensors.
///
/// Tensors are ordered by falling width and then by name, as the format's own library does, so that equal
/// contents give equal files and every tensor is aligned to its element type.
public enum SafetensorsWriter {
    /// One tensor to write.
    public struct Tensor {
        enum Body {
            case memory(UnsafeRawBufferPointer)
            case floats([Float])
            case integers([Int64])
            case reading(@Sendable () throws -> [UInt8])
        }

        /// The name, which no other tensor of the file may have.
        public let name: String
        /// The type of the elements.
        public let elementType: SafetensorsElementType
        /// The extents, the slowest first.
        public let shape: [Int]
        let body: Body

        /// A tensor whose little-endian elements lie in `body`, which has to stay valid until they are written.
        public init(
            _ name: String, _ elementType: SafetensorsElementType, _ shape: [Int], body: UnsafeRawBufferPointer
        ) {
            (self.name, self.elementType, self.shape, self.body) = (name, elementType, shape, .memory(body))
        }

        /// An F32 tensor; without a shape, it has one dimension.
        public init(_ name: String, _ shape: [Int]? = nil, floats: [Float]) {
            (self.name, elementType, self.shape, body) = (name, .f32, shape ?? [floats.count], .floats(floats))
        }

        /// A tensor whose little-endian elements are read when they are written, so that not all tensors have to be in
        /// memory at once.
        public init(
            _ name: String, _ elementType: SafetensorsElementType, _ shape: [Int],
            reading: @escaping @Sendable () throws -> [UInt8]
        ) {
            (self.name, self.elementType, self.shape, body) = (name, elementType, shape, .reading(reading))
        }

        /// An I64 tensor; without a shape, it has one dimension.
        public init(_ name: String, _ shape: [Int]? = nil, integers: [Int]) {
            (self.name, elementType) = (name, .i64)
            (self.shape, body) = (shape ?? [integers.count], .integers(integers.map(Int64.init)))
        }

        var byteCount: Int {
            switch body {
            case .memory(let bytes): bytes.count
            case .floats(let floats): 4 * floats.count
            case .integers(let integers): 8 * integers.count
            case .reading: elementType.byteCount(of: shape) ?? 0
            }
        }

        /// Writes the elements. Throws ``SafetensorsError`` for those that cannot be read.
        func write(to output: borrowing AtomicFile.Output) throws {
            switch body {
            case .memory(let bytes): try output.write(bytes)
            case .floats(let floats): try output.write(floats)
            case .integers(let integers): try output.write(integers)
            case .reading(let read):
                let bytes: [UInt8]
                do {
                    bytes = try read()
                } catch {
                    throw SafetensorsError(
                        code: .unwritable, path: output.path, tensor: name,
                        message: "cannot be read to be written: \(error)")
                }
                guard bytes.count == byteCount else {
                    throw SafetensorsError(
                        code: .wrongSize, path: output.path, tensor: name,
                        message:
                            "\(bytes.count) bytes were read of it, and \(elementType.rawValue)\(shape) takes \(byteCount)"
                    )
                }
                try output.write(bytes)
            }
        }
    }

    /// Creates or replaces the file at `path`.
    /// - Throws: `.wrongSize` or `.malformedHeader` for tensors that no file can hold, before anything is
    ///   written; `.unwritable` when the system fails, `.wrongSize` for a tensor that is read and has other bytes than
    ///   its shape. An earlier file then stays as it was.
    public static func write(
        to path: String, metadata: [String: String] = [:], tensors: [Tensor]
    ) throws(SafetensorsError) {
        let ordered = tensors.sorted(by: precedes)
        let header = try self.header(for: ordered, metadata: metadata, path: path)
        var unreadable: SafetensorsError?
        do {
            try AtomicFile.write(to: path) { (output) throws(FileError) in
                try output.write([UInt64(header.utf8.count).littleEndian])
                try output.write(header)
                do {
                    for tensor in ordered { try tensor.write(to: output) }
                } catch let error as FileError {
                    throw error
                } catch {
                    unreadable = error as? SafetensorsError
                    throw FileError(path: path, action: "write", number: ECANCELED)
                }
            }
        } catch {
            throw unreadable ?? SafetensorsError(code: .unwritable, path: path, message: error.problem, cause: error)
        }
    }

    private static func precedes(_ a: Tensor, _ b: Tensor) -> Bool {
        a.elementType == b.elementType
            ? a.name.utf8.lexicographicallyPrecedes(b.name.utf8)
            : a.elementType.rank > b.elementType.rank
    }

    private static func header(
        for tensors: [Tensor], metadata: [String: String], path: String
    ) throws(SafetensorsError) -> String {
        var members: [String] = []
        if !metadata.isEmpty {
            let texts = metadata.sorted { $0.key < $1.key }.map { JSONText.quoted($0) + ":" + JSONText.quoted($1) }
            members.append("\"__metadata__\":{\(texts.joined(separator: ","))}")
        }
        var names: Set = ["__metadata__"]
        var end = 0
        for tensor in tensors {
            guard names.insert(tensor.name).inserted else {
                throw SafetensorsError(
                    code: .malformedHeader, path: path, tensor: tensor.name, message: "the name is taken")
            }
            let start = end
            let count = tensor.byteCount
            guard tensor.elementType.byteCount(of: tensor.shape) == count else {
                throw SafetensorsError(
                    code: .wrongSize, path: path, tensor: tensor.name,
                    message: "\(count) bytes are not \(tensor.elementType.rawValue)\(tensor.shape)")
            }
            let (next, isTooLarge) = end.addingReportingOverflow(count)
            guard !isTooLarge else {
                throw SafetensorsError(
                    code: .wrongSize, path: path, tensor: tensor.name,
                    message: "with it, the tensors are larger than any file")
            }
            end = next
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            members.append(
                JSONText.quoted(tensor.name) + ":{\"dtype\":\"\(tensor.elementType.rawValue)\""
                    + ",\"shape\":[\(shape)],\"data_offsets\":[\(start),\(end)]}")
        }
        let text = "{\(members.joined(separator: ","))}"
        // Blanks at the end align the data that follows.
        let header = text + String(repeating: " ", count: (8 - text.utf8.count % 8) % 8)
        guard header.utf8.count <= SafetensorsHeader.maximumLength else {
            throw SafetensorsError(
                code: .malformedHeader, path: path,
                message: "the header would take \(header.utf8.count) bytes; no reader accepts that")
        }
        return header
    }
}
