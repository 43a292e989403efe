/// Pieces of C.
enum CText {
    /// A text as C writes it, with its quotes: bytes that are no printable ASCII are numbers.
    static func string(_ text: String) -> String {
        var result = "\""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "?"):
                // Two question marks would begin a trigraph.
                result += "\\" + String(Unicode.Scalar(byte))
            case 0x20..<0x7f: result += String(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 8)
                result += "\\" + String(repeating: "0", count: 3 - digits.count) + digits
            }
        }
        return result + "\""
    }

    /// A number in C, exactly.
    static func number(_ value: Double) -> String {
        if value.isInfinite { return value < 0 ? "-HUGE_VAL" : "HUGE_VAL" }
        let mantissa = value.significandBitPattern, digits = String(mantissa, radix: 16)
        guard value != 0 else { return value.sign == .minus ? "-0.0" : "0.0" }
        guard value.isNormal else { return "\(value)" }
        let zeros = String(repeating: "0", count: 13 - digits.count)
        return "\(value.sign == .minus ? "-" : "")0x1.\(zeros)\(digits)p\(value.exponent)"
    }

    /// A name of constants: capital letters, digits and lines.
    static func constant(_ text: String) -> String {
        String(
            text.utf8.map { byte -> Character in
                let letter = Character(Unicode.Scalar(byte))
                return letter.isASCII && (letter.isLetter || letter.isNumber) ? Character(letter.uppercased()) : "_"
            })
    }

    /// Names of constants for tensors, all different.
    static func constants(_ prefix: String, _ names: [String]) -> [String] {
        var seen: Set<String> = []
        return names.map { name in
            let first = prefix + constant(name)
            var result = first, number = 2
            while !seen.insert(result).inserted {
                result = "\(first)_\(number)"
                number += 1
            }
            return result
        }
    }

    /// A table of C, an entry a line; empty ones have an entry that nobody reads, as C wants it.
    static func table(_ declaration: String, _ entries: [String], none: String = "{0}") -> String {
        let lines = (entries.isEmpty ? [none] : entries).map { "    \($0)," }
        return "\(declaration)[] = {\n\(lines.joined(separator: "\n"))\n};\n\n"
    }
}
