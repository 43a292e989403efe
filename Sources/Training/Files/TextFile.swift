import ApusFiles
import Foundation

/// Texts that people write and hand over as files: UTF-8, or UTF-16 with a byte order mark.
public enum TextFile {
    /// A file that is no text, and where.
    public enum Problem: Error, Sendable, Hashable, CustomStringConvertible {
        /// The file cannot be read.
        case file(FileError)
        /// A byte that UTF-8 does not have, in a line that counts from 1.
        case notUTF8(path: String, line: Int)
        /// The file is larger than any text of its kind.
        case tooLarge(path: String, byteCount: Int)

        public var description: String {
            switch self {
            case .file(let error): error.description
            case .notUTF8(let path, let line):
                "\(path):\(line): the text is not UTF-8 (Latin-1?); save the file as UTF-8"
            case .tooLarge(let path, let byteCount):
                "\(path): \(byteCount) bytes are too many for a text; up to \(TextFile.largest) are read"
            }
        }
    }

    /// The most bytes that are read as a text: 64 MiB.
    public static let largest = 64 << 20

    /// The text of a file, without a byte order mark.
    public static func read(_ path: String) throws(Problem) -> String {
        let file: MappedFile
        do {
            file = try MappedFile(contentsOf: path)
        } catch {
            throw .file(error)
        }
        return try file.withBytes { (bytes) throws(Problem) in
            guard bytes.count <= largest else { throw .tooLarge(path: path, byteCount: bytes.count) }
            return try text(of: bytes, path: path)
        }
    }

    private static func text(of bytes: UnsafeRawBufferPointer, path: String) throws(Problem) -> String {
        if let text = utf16(bytes) { return text }
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let content = bytes.starts(with: mark) ? UnsafeRawBufferPointer(rebasing: bytes[mark.count...]) : bytes
        if let text = String(validating: content, as: UTF8.self) { return text }
        throw .notUTF8(path: path, line: 1 + validPrefix(content).count { $0 == UInt8(ascii: "\n") })
    }

    /// The text of bytes that begin with a byte order mark of UTF-16; nil for others, and for broken pairs.
    private static func utf16(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard bytes.count >= 2, bytes.count % 2 == 0 else { return nil }
        let isLittleEndian: Bool
        switch (bytes[0], bytes[1]) {
        case (0xFF, 0xFE): isLittleEndian = true
        case (0xFE, 0xFF): isLittleEndian = false
        default: return nil
        }
        let units = stride(from: 2, to: bytes.count, by: 2).map { place in
            let (first, second) = (UInt16(bytes[place]), UInt16(bytes[place + 1]))
            return isLittleEndian ? first | second << 8 : first << 8 | second
        }
        return String(validating: units, as: UTF16.self)
    }

    /// The bytes before the first that is no UTF-8.
    private static func validPrefix(_ bytes: UnsafeRawBufferPointer) -> Slice<UnsafeRawBufferPointer> {
        var decoder = UTF8(), iterator = bytes.makeIterator(), end = 0
        while case .scalarValue(let scalar) = decoder.decode(&iterator) { end += UTF8.width(scalar) }
        return bytes[..<min(end, bytes.count)]
    }
}
