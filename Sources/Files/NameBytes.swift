import Foundation

/// Names of files are bytes to the system, of which most are UTF-8 and some are not: as a text, a byte that is no part
/// of UTF-8 is written `\xFC`. So each name has one text and each text one name.
extension String {
    /// The text of a name, or of a path.
    package init(nameBytes bytes: [UInt8]) {
        if !bytes.contains(UInt8(ascii: "\\")), let text = String(validating: bytes, as: UTF8.self) {
            self = text
            return
        }
        self = ""
        var place = 0
        while place < bytes.count {
            let rest = bytes[place...]
            // What looks like an escape and is none gets one for its backslash.
            let scalar =
                rest.first == UInt8(ascii: "\\") && Self.escapedByte(rest) != nil
                ? nil
                : (1...4).lazy.filter { $0 <= rest.count }.compactMap {
                    String(validating: rest.prefix($0), as: UTF8.self)
                }
                .first
            self += scalar ?? "\\x" + String(bytes[place], radix: 16, uppercase: true)
            place += scalar?.utf8.count ?? 1
        }
    }

    /// The bytes of the name, or of the path, that the text stands for.
    package var nameBytes: [UInt8] {
        guard utf8.contains(UInt8(ascii: "\\")) else { return Array(utf8) }
        var bytes: [UInt8] = [], rest = Array(utf8)[...]
        while let byte = rest.first {
            let escaped = Self.escapedByte(rest)
            bytes.append(escaped ?? byte)
            rest = rest.dropFirst(escaped == nil ? 1 : 4)
        }
        return bytes
    }

    /// The name, or the path, as calls of the system take it.
    package var systemName: [CChar] { nameBytes.map { CChar(bitPattern: $0) } + [0] }

    /// The byte that `\xHH` stands for: one that is not ASCII, or a backslash.
    private static func escapedByte(_ text: ArraySlice<UInt8>) -> UInt8? {
        let text = text.prefix(4)
        guard text.count == 4, text.starts(with: Array("\\x".utf8)),
            text.dropFirst(2).allSatisfy({ Array("0123456789ABCDEF".utf8).contains($0) }),
            let byte = UInt8(String(decoding: text.dropFirst(2), as: UTF8.self), radix: 16)
        else { return nil }
        return byte >= 0x80 || byte == UInt8(ascii: "\\") ? byte : nil
    }

    /// The text in one line: what moves a terminal's cursor is written as a number, such as `\x0A`.
    package var inOneLine: String {
        guard unicodeScalars.contains(where: \.isControl) else { return self }
        return unicodeScalars.reduce(into: "") { line, scalar in
            guard scalar.isControl else { return line.unicodeScalars.append(scalar) }
            let digits = String(scalar.value, radix: 16, uppercase: true)
            line += scalar.value > 0xFF ? "\\u{\(digits)}" : "\\x" + (digits.count == 1 ? "0" : "") + digits
        }
    }
}

extension Unicode.Scalar {
    /// Whether it is a control character, another end of a line, or turns the direction of writing.
    fileprivate var isControl: Bool {
        switch self {
        case "\u{2028}"..."\u{202E}", "\u{2066}"..."\u{2069}": true
        default: properties.generalCategory == .control
        }
    }
}

/// A text that equals another one only if all bytes do.
///
/// A `String` equals one whose letters are composed in another way, such as `ü` and `u` with `¨`; to the system, these
/// are names of two files.
package struct ExactText: Hashable, Comparable, Sendable {
    package let text: String

    package init(_ text: String) { self.text = text }

    package static func == (a: ExactText, b: ExactText) -> Bool { a.text.utf8.elementsEqual(b.text.utf8) }

    package static func < (a: ExactText, b: ExactText) -> Bool { a.text.utf8.lexicographicallyPrecedes(b.text.utf8) }

    package func hash(into hasher: inout Hasher) {
        for byte in text.utf8 { hasher.combine(byte) }
        hasher.combine(0xFF as UInt8)
    }
}

// MARK: - Parts of paths

extension String {
    /// What is behind the last slash of a path.
    package var lastComponent: String {
        String(
            unicodeScalars.suffix(
                from: unicodeScalars.lastIndex(of: "/").map(unicodeScalars.index(after:)) ?? startIndex))
    }

    /// The folder that something is in, as far as the path says: `.` for a name alone.
    package var parentPath: String {
        var path = unicodeScalars[...]
        while path.count > 1, path.last == "/" { path.removeLast() }
        guard let slash = path.lastIndex(of: "/") else { return "." }
        path = path[..<slash]
        while path.last == "/" { path.removeLast() }
        return path.isEmpty ? "/" : String(path)
    }

    /// What is behind the last point of a file's name, such as `png`; empty for a name that has none but at its
    /// beginning.
    package var fileEnding: String { endingPoint.map { String(unicodeScalars[$0...].dropFirst()) } ?? "" }

    /// The path without the ending of the file's name and its point.
    package var withoutFileEnding: String { endingPoint.map { String(unicodeScalars[..<$0]) } ?? self }

    private var endingPoint: String.Index? {
        let start = unicodeScalars.index(endIndex, offsetBy: -lastComponent.unicodeScalars.count)
        guard let point = unicodeScalars.lastIndex(of: "."), point > start,
            unicodeScalars.index(after: point) < endIndex
        else { return nil }
        return point
    }

    /// The path seen from a folder that it lies below; itself elsewhere.
    package func below(_ folder: String) -> String {
        let prefix = folder.utf8.last == UInt8(ascii: "/") ? folder : folder + "/"
        return utf8.starts(with: prefix.utf8) ? String(utf8.dropFirst(prefix.utf8.count)) ?? self : self
    }
}

extension [String] {
    /// The texts in the order of their bytes, which is that of code points.
    package var sortedByBytes: [String] { map(ExactText.init).sorted().map(\.text) }

    /// Whether these are the very same texts.
    package func isExactly(_ others: [String]) -> Bool { map(ExactText.init) == others.map(ExactText.init) }

    /// Where the very same text is.
    package func exactIndex(of text: String) -> Int? { firstIndex { ExactText($0) == ExactText(text) } }
}
