import ApusFiles
import ApusRuntime

/// Arrays by name in NumPy's archive (`.npz`), as `numpy.savez` and `numpy.savez_compressed` write it, mapped for
/// reading.
///
/// The archive's directory is checked when it is opened, and an array when it is asked for; what ``NPYFile`` reads is
/// read. A file from a stranger gives an error and never a wrong read, and takes no more memory than the array has by
/// its own shape.
public struct NPZFile: Sendable {
    /// The path that the file was read from.
    public let path: String
    /// The names of the arrays, in the order of the archive.
    public let names: [String]

    private let file: MappedFile
    private let archive: [String: Content]

    /// Where an array lies.
    private enum Content: Sendable {
        case stored(FileSection)
        case deflated(ZipArchive.Compressed)
    }

    /// The ending of an array's name in the archive.
    private static let suffix = ".npy"
    /// The longest header that a compressed array can have; with 64 axes it has a few hundred bytes.
    private static let longestHeader = 1 << 17

    /// Opens a file and checks its directory.
    public init(contentsOf path: String) throws(NPYError) {
        do {
            file = try MappedFile(contentsOf: path)
        } catch {
            throw NPYError(.unreadable, path: path, error.problem, cause: error)
        }
        let archive: ZipArchive
        do {
            archive = try file.withBytes { (bytes) throws(ZipError) in try ZipArchive(of: bytes, readsDeflated: true) }
        } catch {
            throw NPYError(error, path: path)
        }
        if let name = archive.unread.first(where: { $0.hasSuffix(Self.suffix) }) {
            throw NPYError(
                .unsupported, path: path,
                "the array \"\(name.shown)\" is compressed, and not by deflate; write the file with numpy.savez")
        }
        self.path = path
        var contents: [String: Content] = [:]
        for (name, section) in archive.entries { contents[name] = .stored(section) }
        for (name, compressed) in archive.deflated { contents[name] = .deflated(compressed) }
        self.archive = contents
        names = archive.names.filter { $0.hasSuffix(Self.suffix) }.map { String($0.dropLast(Self.suffix.count)) }
    }

    /// Whether the file holds an array of this name.
    public func contains(_ name: String) -> Bool { archive[name + Self.suffix] != nil }

    /// The array's extents, the slowest first. Throws what is wrong with its header, and `.missingArray`.
    public func shape(_ name: String) throws(NPYError) -> [Int] { try header(name).shape }

    /// The type of the array's elements: F32, F64, I32, I64 or BOOL. Throws as ``shape(_:)`` does.
    public func elementType(_ name: String) throws(NPYError) -> SafetensorsElementType { try header(name).elementType }

    /// The array's elements in the order of its shape, little-endian. Throws as ``shape(_:)`` does, and `.damaged`.
    public func bytes(_ name: String) throws(NPYError) -> [UInt8] {
        let header = try header(name)
        return try withContent(name) { header.elements(in: $0) }
    }

    /// An array as a tensor: f4 and f8 as f32, i4 and i8 as i32, b1 as truth values.
    ///
    /// Throws ``NPYError`` as ``bytes(_:)`` does, and `RuntimeError` for integers that i32 does not hold and for arrays
    /// without elements.
    public func tensor(_ name: String) throws -> TensorData {
        try header(name).tensor(bytes(name), what: "\(path): the array '\(name.shown)'")
    }

    // MARK: - Reading

    private func content(_ name: String) throws(NPYError) -> Content {
        guard let content = archive[name + Self.suffix] else {
            let known = names.prefix(5).map(\.shown).joined(separator: ", ") + (names.count > 5 ? ", …" : "")
            throw NPYError(
                .missingArray, path: path,
                "no array '\(name.shown)' in this file, which has \(known.isEmpty ? "none" : known)")
        }
        return content
    }

    private func header(_ name: String) throws(NPYError) -> NPYHeader {
        let content = try content(name), place = place(of: name)
        return try file.withBytes { (bytes) throws(NPYError) in
            switch content {
            case .stored(let section):
                return try NPYHeader(UnsafeRawBufferPointer(rebasing: bytes[section.range]), path: place)
            case .deflated(let compressed):
                let beginning = try inflated(compressed, bytes, name, limit: Self.longestHeader)
                return try beginning.withUnsafeBufferPointer { (beginning) throws(NPYError) in
                    try NPYHeader(UnsafeRawBufferPointer(beginning), byteCount: compressed.size, path: place)
                }
            }
        }
    }

    /// Calls `body` with the whole of an array's file, once its checksum is found right.
    private func withContent<Result>(
        _ name: String, _ body: (UnsafeRawBufferPointer) -> Result
    ) throws(NPYError) -> Result {
        let content = try content(name)
        return try file.withBytes { (bytes) throws(NPYError) in
            switch content {
            case .stored(let section):
                let content = UnsafeRawBufferPointer(rebasing: bytes[section.range])
                try check(content, section.checksum, name)
                return body(content)
            case .deflated(let compressed):
                return try inflated(compressed, bytes, name).withUnsafeBufferPointer { (content) throws(NPYError) in
                    let content = UnsafeRawBufferPointer(content)
                    try check(content, compressed.section.checksum, name)
                    return body(content)
                }
            }
        }
    }

    private func inflated(
        _ compressed: ZipArchive.Compressed, _ bytes: UnsafeRawBufferPointer, _ name: String, limit: Int = .max
    ) throws(NPYError) -> [UInt8] {
        do {
            let source = UnsafeRawBufferPointer(rebasing: bytes[compressed.section.range])
            return try Deflate.inflated(source, size: compressed.size, limit: limit)
        } catch {
            throw NPYError(.damaged, path: place(of: name), error.message)
        }
    }

    private func check(_ content: UnsafeRawBufferPointer, _ checksum: UInt32, _ name: String) throws(NPYError) {
        guard CRC32.zip.checksum(content) == checksum else {
            throw NPYError(
                .damaged, path: place(of: name), "its bytes do not have the checksum that the archive gives for them")
        }
    }

    /// What errors call an array.
    private func place(of name: String) -> String { "\(path): the array '\(name.shown)'" }
}

extension NPYError {
    /// What is wrong with the archive that a `.npz` file is.
    fileprivate init(_ error: ZipError, path: String) {
        switch error {
        case .noDirectory:
            self.init(
                .malformedArchive, path: path,
                "not an archive of NumPy's arrays (.npz): it does not end with the directory of a zip archive, or is cut off"
            )
        case .malformed(let message):
            self.init(.malformedArchive, path: path, "the zip archive is damaged: \(message)")
        case .tooLarge(let what):
            self.init(.unsupported, path: path, "the zip archive has \(what), more than are read")
        case .encrypted(let name):
            self.init(.unsupported, path: path, "the entry \"\(name.shown)\" of the zip archive is encrypted")
        case .outside(let name):
            self.init(
                .unsupported, path: path,
                "the zip archive has an entry \"\(name.shown)\", a path that leads out of a folder")
        }
    }
}
