import ApusFiles

/// A safetensors file, mapped for reading: checkpoints, fixtures and weights from other frameworks.
///
/// The header is checked as a whole before any tensor can be read, so a file from a stranger gives an
/// error and never a wrong read. Tensors are read where they lie; only what is asked for is copied.
public struct SafetensorsFile: Sendable {
    /// The path that the file was read from.
    public let path: String
    /// The names of all tensors, sorted, but for those in ``unknownTypes``.
    public let names: [String]

    private let file: MappedFile
    private let header: SafetensorsHeader

    /// Opens and checks a file.
    /// - Throws: `.unreadable`, `.malformedHeader`, `.invalidTensor` or `.invalidLayout`.
    public init(contentsOf path: String) throws(SafetensorsError) {
        do {
            file = try MappedFile(contentsOf: path)
        } catch {
            throw SafetensorsError(code: .unreadable, path: path, message: error.problem, cause: error)
        }
        header = try file.withBytes { (bytes) throws(SafetensorsError) in try SafetensorsHeader(of: bytes, path: path) }
        names = header.entries.keys.sorted()
        self.path = path
    }

    /// The free text entries of the header.
    public var metadata: [String: String] { header.metadata }

    /// The element types, by name, of tensors whose types this program does not know: they are passed over.
    public var unknownTypes: [String: String] { header.unknownTypes }

    /// Whether the file holds a tensor of this name.
    public func contains(_ name: String) -> Bool { header.entries[name] != nil }

    /// The tensor's shape. Throws `.missingTensor`, and as all that is asked of a tensor does, `.wrongElementType` for
    /// one of ``unknownTypes``.
    public func shape(_ name: String) throws(SafetensorsError) -> [Int] { try entry(name).shape }

    /// The tensor's element type. Throws `.missingTensor`.
    public func elementType(_ name: String) throws(SafetensorsError) -> SafetensorsElementType {
        try entry(name).elementType
    }

    /// The tensor's size in bytes. Throws `.missingTensor`.
    public func byteCount(_ name: String) throws(SafetensorsError) -> Int { try entry(name).range.count }

    /// The elements of an F32, F64, F16 or BF16 tensor, F64 rounded to the nearest. Throws `.missingTensor`
    /// or `.wrongElementType`.
    public func floats(_ name: String) throws(SafetensorsError) -> [Float] {
        let entry = try entry(name)
        guard entry.elementType.isFloatingPoint else {
            throw wrongElementType(entry, name, wanted: "floating-point numbers")
        }
        return read(entry) { bytes in entry.elementType.floats(bytes) }
    }

    /// The elements of an F64, F32, F16 or BF16 tensor. Throws `.missingTensor` or `.wrongElementType`.
    public func doubles(_ name: String) throws(SafetensorsError) -> [Double] {
        let entry = try entry(name)
        guard entry.elementType == .f64 else { return try floats(name).map(Double.init) }
        return read(entry) { bytes in decode(bytes) { Double(bitPattern: $0) } }
    }

    /// The elements of an integer tensor other than U64, or of a BOOL tensor as 0 and 1. Throws
    /// `.missingTensor` or `.wrongElementType`.
    public func integers(_ name: String) throws(SafetensorsError) -> [Int] {
        let entry = try entry(name)
        return try read(entry) { (bytes) throws(SafetensorsError) in
            switch entry.elementType {
            case .i64: return decode(bytes) { Int(Int64(bitPattern: $0)) }
            case .i32: return decode(bytes) { Int(Int32(bitPattern: $0)) }
            case .u32: return decode(bytes) { Int($0 as UInt32) }
            case .i16: return decode(bytes) { Int(Int16(bitPattern: $0)) }
            case .u16: return decode(bytes) { Int($0 as UInt16) }
            case .i8: return decode(bytes) { Int(Int8(bitPattern: $0)) }
            case .u8: return decode(bytes) { Int($0 as UInt8) }
            case .bool: return decode(bytes) { ($0 as UInt8) == 0 ? 0 : 1 }
            default: throw wrongElementType(entry, name, wanted: "integers")
            }
        }
    }

    /// A copy of the tensor's bytes as they stand in the file, little-endian. Throws `.missingTensor`.
    public func bytes(_ name: String) throws(SafetensorsError) -> [UInt8] {
        read(try entry(name)) { bytes in Array(bytes) }
    }

    /// Calls `body` with the tensor's bytes where they lie in the file, without a copy; they may be
    /// unaligned, and are valid until `body` returns. Throws `.missingTensor`, and what `body` throws.
    public func withBytes<Result>(_ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        try read(try entry(name), body)
    }

    /// Copies the tensor's bytes into memory of exactly its size. Throws `.missingTensor` or `.wrongSize`.
    public func copy(_ name: String, into destination: UnsafeMutableRawBufferPointer) throws(SafetensorsError) {
        try read(try entry(name)) { (bytes) throws(SafetensorsError) in
            guard bytes.count == destination.count else {
                throw SafetensorsError(
                    code: .wrongSize, path: path, tensor: name,
                    message: "\(bytes.count) bytes do not fit a destination of \(destination.count)")
            }
            destination.copyMemory(from: bytes)
        }
    }

    private func entry(_ name: String) throws(SafetensorsError) -> SafetensorsEntry {
        guard let entry = header.entries[name] else {
            if let type = header.unknownTypes[name] {
                throw SafetensorsError(
                    code: .wrongElementType, path: path, tensor: name,
                    message: "the element type \"\(type)\" is not read")
            }
            throw SafetensorsError(code: .missingTensor, path: path, tensor: name, message: "not in this file")
        }
        return entry
    }

    private func read<Result, Failure: Error>(
        _ entry: SafetensorsEntry, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let range = header.dataStart + entry.range.lowerBound..<header.dataStart + entry.range.upperBound
        return try file.withBytes { (bytes) throws(Failure) in
            try body(UnsafeRawBufferPointer(rebasing: bytes[range]))
        }
    }

    private func wrongElementType(
        _ entry: SafetensorsEntry, _ name: String, wanted: String
    ) -> SafetensorsError {
        SafetensorsError(
            code: .wrongElementType, path: path, tensor: name,
            message: "\(entry.elementType.rawValue) cannot be read as \(wanted)")
    }
}
