/// The little of writing JSON that file headers and logs need.
package enum JSONText {
    /// The text in quotes, with the escapes that JSON asks for and no others.
    package static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\u{8}": result += "\\b"
            case "\u{C}": result += "\\f"
            case "\0"..<" ":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

/// A document in JSON, for what `JSONEncoder` cannot write: its objects lose one of two names that are equal to
/// `String` and differ in bytes.
package indirect enum JSONValue {
    case text(String), number(Double), integer(UInt64), flag(Bool), list([JSONValue]), object([(String, JSONValue)])

    /// The document, indented as `JSONEncoder` does.
    package var pretty: String { pretty(indentation: "") }

    private func pretty(indentation: String) -> String {
        func lines(_ parts: [String], _ open: String, _ close: String) -> String {
            guard !parts.isEmpty else { return open + "\n\n" + indentation + close }
            return open + "\n" + parts.map { indentation + "  " + $0 }.joined(separator: ",\n") + "\n" + indentation
                + close
        }
        switch self {
        case .text(let text): return JSONText.quoted(text)
        case .number(let number): return "\(number)"
        case .integer(let number): return "\(number)"
        case .flag(let flag): return "\(flag)"
        case .list(let values): return lines(values.map { $0.pretty(indentation: indentation + "  ") }, "[", "]")
        case .object(let members):
            return lines(
                members.map { JSONText.quoted($0) + " : " + $1.pretty(indentation: indentation + "  ") }, "{", "}")
        }
    }
}
