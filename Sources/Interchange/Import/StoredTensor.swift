import ApusFiles
import ApusIR
import Foundation

/// A tensor as a file stores it: its type is checked, its numbers are read when they are asked for.
struct StoredTensor: Sendable {
    private(set) var name: String
    let code: ElementCode
    let shape: [Int]
    private let message: OnnxTensorProto
    /// The file whose folder has the files that numbers may lie in.
    private let path: String

    /// Throws for a type or a shape that no tensor has.
    init(_ message: OnnxTensorProto, path: String) throws {
        name = message.name
        guard let code = ElementCode(rawValue: message.dataType) else {
            throw OnnxError(
                .unsupported, "the tensor '\(shown(name))' has elements of the unknown type \(message.dataType)")
        }
        guard code != .string else {
            throw OnnxError(.unsupported, "the tensor '\(shown(name))' has texts as elements")
        }
        let shape = message.dims.compactMap { Int(exactly: $0) }
        guard shape.count == message.dims.count, shape.count <= 32, shape.allSatisfy({ $0 >= 0 }),
            isShape(shape.map { max($0, 1) })
        else {
            throw OnnxError(.file, "the tensor '\(shown(name))' has the impossible shape \(message.dims.prefix(33))")
        }
        (self.code, self.shape, self.message, self.path) = (code, shape, message, path)
    }

    /// The same numbers under another name.
    func named(_ name: String) -> StoredTensor {
        var tensor = self
        tensor.name = name
        return tensor
    }

    var count: Int { shape.contains(0) ? 0 : shape.reduce(1, *) }

    private var text: String { "the tensor '\(shown(name))', \(code.name)\(shapeText(shape))," }

    /// The elements as little-endian bytes of their type. Throws if there are not as many as the shape says.
    func bytes() throws -> Data {
        let wanted = count * code.byteCount
        let bytes: Data
        if message.dataLocation == 1 {
            bytes = try ExternalData(message.externalData, of: text).bytes(wanted, beside: path)
        } else if !message.rawData.isEmpty {
            bytes = message.rawData
        } else {
            bytes = typedBytes
        }
        guard bytes.count == wanted else {
            throw OnnxError(.file, "\(text) takes \(wanted) bytes; the file has \(bytes.count) for it")
        }
        return bytes
    }

    /// The elements that lie in a field of their type.
    private var typedBytes: Data {
        func packed<Number>(_ numbers: [Number]) -> Data { numbers.withUnsafeBytes { Data($0) } }
        return switch code {
        case .float: packed(message.floatData)
        case .double: packed(message.doubleData)
        case .int64: packed(message.int64Data)
        case .uint64: packed(message.uint64Data)
        case .uint32: packed(message.uint64Data.map { UInt32(truncatingIfNeeded: $0) })
        case .int32: packed(message.int32Data)
        case .int16, .uint16, .float16, .bfloat16: packed(message.int32Data.map { Int16(truncatingIfNeeded: $0) })
        case .int8, .uint8, .bool: packed(message.int32Data.map { Int8(truncatingIfNeeded: $0) })
        case .string: Data()
        }
    }

    /// The numbers, if there are few enough to compute with while the file is read.
    func known() throws -> KnownTensor {
        guard count <= KnownTensor.mostElements else {
            throw OnnxError(.limit, "\(text) has too many elements for numbers that shapes and attributes are made of")
        }
        return KnownTensor(code, shape, code.numbers(in: try bytes()))
    }

    /// The numbers as a weight of the element type of the IR.
    func weight() throws -> OnnxWeight {
        guard let element = code.element else {
            throw OnnxError(.unsupported, "\(text) has elements that the graph cannot have; export the model in FLOAT")
        }
        let type = TensorType(element, shape), bytes = try bytes()
        guard code == .int64 else { return try OnnxWeight(type, bytes: bytes) }
        let numbers = code.numbers(in: bytes)
        guard numbers.allSatisfy({ Int32(exactly: $0) != nil }) else {
            throw OnnxError(.unsupported, "\(text) has integers that 32 bits do not hold")
        }
        return try OnnxWeight(type, bytes: ElementType.i32.bytes(of: numbers))
    }
}

/// Where numbers lie in another file, which is in the folder of the model or below it.
struct ExternalData {
    private let location: String
    private let offset: Int
    private let length: Int?
    private let owner: String

    init(_ entries: [OnnxStringStringEntryProto], of owner: String) throws {
        func entry(_ key: String) -> String? { entries.last { $0.key == key }?.value }
        func number(_ key: String) throws -> Int? {
            guard let text = entry(key) else { return nil }
            guard let number = Int(text), number >= 0 else {
                throw OnnxError(
                    .external, "\(owner) has the \(key) '\(shown(text))' in another file, which is no number from 0 on")
            }
            return number
        }
        guard let location = entry("location"), !location.isEmpty else {
            throw OnnxError(.external, "\(owner) lies in another file, which is not named")
        }
        self.location = location
        self.owner = owner
        offset = try number("offset") ?? 0
        length = try number("length")
    }

    /// The numbers. Throws for a file that is not in the model's folder, or that ends before them.
    func bytes(_ wanted: Int, beside model: String) throws -> Data {
        guard !model.isEmpty else {
            throw OnnxError(
                .external,
                "\(owner) lies in the file '\(shown(location))', and the model in none; read it from its file")
        }
        let parts = location.split(separator: "/", omittingEmptySubsequences: false)
        guard !location.hasPrefix("/"), !location.contains("\\"), !location.contains("\0"),
            parts.allSatisfy({ !["", ".", ".."].contains($0) })
        else {
            throw OnnxError(
                .external,
                "\(owner) lies in '\(shown(location))'; only files in the folder of the model, or below it, are read")
        }
        let folder = URL(fileURLWithPath: model).deletingLastPathComponent().resolvingSymlinksInPath()
        let file = folder.appending(path: location).resolvingSymlinksInPath()
        guard file.path.hasPrefix(folder.path == "/" ? "/" : folder.path + "/") else {
            throw OnnxError(
                .external,
                "\(owner) lies in '\(shown(location))', a link that leaves the folder of the model; put the file there")
        }
        if let length, length != wanted {
            throw OnnxError(.external, "\(owner) takes \(wanted) bytes; \(length) are given in '\(shown(location))'")
        }
        return try MappedFile(contentsOf: file.path).withBytes { bytes in
            guard offset <= bytes.count, wanted <= bytes.count - offset else {
                throw OnnxError(
                    .external,
                    "\(owner) takes \(wanted) bytes from \(offset) on in '\(shown(location))', which has \(bytes.count)"
                )
            }
            return Data(UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + wanted]))
        }
    }
}
