/// Where one tensor lies in a safetensors file: `range` counts from the end of the header.
struct SafetensorsEntry: Sendable {
    let elementType: SafetensorsElementType
    let shape: [Int]
    let range: Range<Int>
}

/// The checked header of a safetensors file: every entry lies inside the data, and together they fill it
/// without holes or overlaps.
struct SafetensorsHeader: Sendable {
    /// The longest header that is read, as in the format's own library.
    static let maximumLength = 100_000_000
    /// The most dimensions of a tensor; it keeps a hostile header from growing in memory.
    static let maximumRank = 64

    let metadata: [String: String]
    let entries: [String: SafetensorsEntry]
    /// The element types, by name, of tensors whose types are not known, and that are passed over.
    let unknownTypes: [String: String]
    /// The offset of the first tensor's bytes in the file.
    let dataStart: Int

    /// Reads the header at the start of a whole file's `bytes`; `path` is for messages only.
    init(of bytes: UnsafeRawBufferPointer, path: String) throws(SafetensorsError) {
        func malformed(_ message: String) -> SafetensorsError {
            SafetensorsError(code: .malformedHeader, path: path, message: message)
        }
        // A header begins with a brace; what does not can only be named.
        let hasBrace = bytes.count > 8 && bytes[8] == UInt8(ascii: "{")
        if !hasBrace, let format = FileFormat.description(of: bytes) { throw malformed("this is \(format)") }
        guard bytes.count >= 8 else {
            throw malformed("not a safetensors file: \(bytes.count) bytes, and the header's length alone takes 8")
        }
        let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        guard length <= UInt64(Self.maximumLength) else {
            throw malformed(
                hasBrace
                    ? "the header claims \(length) bytes; at most \(Self.maximumLength) are read"
                    : "this is \(FileFormat.unknown(bytes))")
        }
        guard Int(length) <= bytes.count - 8 else {
            throw malformed(
                hasBrace
                    ? "the header claims \(length) bytes, and only \(bytes.count - 8) follow its length: the file is cut off"
                    : "this is \(FileFormat.unknown(bytes))")
        }
        dataStart = 8 + Int(length)

        var metadata: [String: String]?
        var claims: [String: Claim] = [:]
        var scanner = HeaderScanner(bytes: UnsafeRawBufferPointer(rebasing: bytes[8..<dataStart]), path: path)
        try scanner.object { (scanner, name) throws(SafetensorsError) in
            if name == "__metadata__" {
                guard metadata == nil else { throw scanner.problem("\"__metadata__\" stands twice") }
                metadata = scanner.null() ? [:] : try scanner.strings()
            } else {
                guard claims.updateValue(try Claim(&scanner), forKey: name) == nil else {
                    throw scanner.problem("the name stands twice", tensor: name)
                }
            }
        }
        try scanner.end()

        self.metadata = metadata ?? [:]
        (entries, unknownTypes) = try Self.check(claims, dataCount: bytes.count - dataStart, path: path)
    }

    /// Turns what the header says of its tensors into entries, if all of it is possible in `dataCount` bytes; tensors
    /// of unknown types have to lie where nothing else does.
    private static func check(
        _ claims: [String: Claim], dataCount: Int, path: String
    ) throws(SafetensorsError) -> (entries: [String: SafetensorsEntry], unknownTypes: [String: String]) {
        var entries: [String: SafetensorsEntry] = [:], unknownTypes: [String: String] = [:]
        entries.reserveCapacity(claims.count)
        // By place in the file, so that each tensor has to start where the one before it ends.
        let ordered = claims.sorted { a, b in
            (a.value.begin, a.value.end, a.key) < (b.value.begin, b.value.end, b.key)
        }
        var filled = 0
        for (name, claim) in ordered {
            func invalid(_ message: String, _ code: SafetensorsError.Code = .invalidTensor) -> SafetensorsError {
                SafetensorsError(code: code, path: path, tensor: name, message: message)
            }
            guard SafetensorsElementType.u8.byteCount(of: claim.shape) != nil else {
                throw invalid("shape \(claim.shape) is negative or larger than any memory")
            }
            guard claim.begin >= 0, claim.begin <= claim.end else {
                throw invalid("offsets \(claim.begin) to \(claim.end) are negative or reversed")
            }
            guard claim.end <= dataCount else {
                throw invalid(
                    "offsets \(claim.begin) to \(claim.end) lie beyond the \(dataCount) bytes of data: the file is cut off"
                )
            }
            let elementType = SafetensorsElementType(rawValue: claim.elementType), given = claim.end - claim.begin
            if let elementType {
                guard let size = elementType.byteCount(of: claim.shape) else {
                    throw invalid("shape \(claim.shape) is larger than any memory")
                }
                guard given == size else {
                    throw invalid("\(elementType.rawValue)\(claim.shape) takes \(size) bytes, not \(given)")
                }
            }
            guard claim.begin == filled else {
                let fault = claim.begin < filled ? "overlaps the tensor before it" : "leaves a hole before it"
                throw invalid("starts at byte \(claim.begin) and \(fault), which ends at \(filled)", .invalidLayout)
            }
            filled = claim.end
            if let elementType {
                entries[name] = SafetensorsEntry(
                    elementType: elementType, shape: claim.shape, range: claim.begin..<claim.end)
            } else {
                unknownTypes[name] = String(claim.elementType.prefix(20))
            }
        }
        guard filled == dataCount else {
            throw SafetensorsError(
                code: .invalidLayout, path: path,
                message: "\(dataCount - filled) bytes follow the last tensor")
        }
        return (entries, unknownTypes)
    }
}

/// What the header says of one tensor, before anything of it is believed.
private struct Claim {
    let elementType: String
    let shape: [Int]
    let begin: Int
    let end: Int

    init(_ scanner: inout HeaderScanner) throws(SafetensorsError) {
        var elementType: String?
        var shape: [Int]?
        var offsets: [Int]?
        try scanner.object { (scanner, key) throws(SafetensorsError) in
            switch key {
            case "dtype" where elementType == nil: elementType = try scanner.string()
            case "shape" where shape == nil: shape = try scanner.integers(atMost: SafetensorsHeader.maximumRank)
            case "data_offsets" where offsets == nil: offsets = try scanner.integers(atMost: 2)
            default: throw scanner.problem("\"\(key.prefix(40))\" is unknown here or stands twice")
            }
        }
        guard let elementType, let shape, let offsets, offsets.count == 2 else {
            throw scanner.problem("a tensor needs \"dtype\", \"shape\" and two \"data_offsets\"")
        }
        self.elementType = elementType
        self.shape = shape
        begin = offsets[0]
        end = offsets[1]
    }
}
