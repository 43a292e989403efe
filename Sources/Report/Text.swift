import Foundation

extension String {
    /// The text as content or attribute value of XML and HTML; characters that XML forbids become U+FFFD.
    package var escaped: String {
        var result = ""
        for scalar in unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            case "\t", "\n", "\r": result.unicodeScalars.append(scalar)
            case "\0"..<" ", "\u{FFFE}", "\u{FFFF}": result += "\u{FFFD}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// The text in at most `length` characters; what is left out in the middle becomes an ellipsis.
    func shortened(to length: Int) -> String {
        guard count > length, length > 2 else { return self }
        let front = (length - 1 + 1) / 2
        return prefix(front) + "…" + suffix(length - 1 - front)
    }

    /// The text as a part of a file name or an anchor: ASCII letters and digits in lower case, and single hyphens for
    /// all else.
    package var slug: String {
        let parts = lowercased().split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }
        return parts.isEmpty ? "unnamed" : parts.joined(separator: "-")
    }
}

/// Numbers as people read them: with a true minus sign, and a fixed number of digits where they stand below each other.
public enum NumberText {
    /// A number with so many digits after the point.
    public static func fixed(_ value: Double, _ decimals: Int) -> String {
        value.isFinite ? minus(String(format: "%.\(decimals)f", value)) : notFinite(value)
    }

    /// A share of 1 in percent.
    public static func percent(_ share: Double, _ decimals: Int = 1) -> String {
        share.isFinite ? fixed(share * 100, decimals) + "\u{202F}%" : notFinite(share)
    }

    /// A number with up to so many significant digits; as a power of ten where it is very small or very large.
    public static func short(_ value: Double, digits: Int = 3) -> String {
        guard value.isFinite else { return notFinite(value) }
        guard value != 0 else { return "0" }
        let exponent = Int(floor(log10(abs(value)) + 1e-9))
        guard exponent < -3 || exponent > 5 else {
            let text = String(format: "%.\(max(0, digits - 1 - exponent))f", value)
            return minus(text.contains(".") ? trimmed(text) : text)
        }
        return scientific(value, digits: digits)
    }

    /// A number as up to so many significant digits times a power of ten.
    static func scientific(_ value: Double, digits: Int = 3) -> String {
        guard value != 0 else { return "0" }
        let exponent = Int(floor(log10(abs(value)) + 1e-9))
        let mantissa = trimmed(String(format: "%.\(digits - 1)f", value / pow(10, Double(exponent))))
        let power = "10" + superscript(exponent)
        return minus(mantissa == "1" ? power : mantissa == "-1" ? "-" + power : "\(mantissa)·\(power)")
    }

    /// A whole number with thin spaces between thousands.
    public static func whole(_ value: Int) -> String {
        let digits = Array(String(value.magnitude))
        var text = value < 0 ? "−" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0, digits.count > 4, (digits.count - index) % 3 == 0 { text += "\u{202F}" }
            text.append(digit)
        }
        return text
    }

    private static func notFinite(_ value: Double) -> String { value.isNaN ? "not a number" : value < 0 ? "−∞" : "∞" }

    private static func minus(_ text: String) -> String { text.replacingOccurrences(of: "-", with: "−") }

    private static func trimmed(_ text: String) -> String {
        guard text.contains(".") else { return text }
        var text = text[...]
        while text.last == "0" { text.removeLast() }
        if text.last == "." { text.removeLast() }
        return String(text)
    }

    private static func superscript(_ exponent: Int) -> String {
        let digits: [Character: String] = [
            "-": "⁻", "0": "⁰", "1": "¹", "2": "²", "3": "³", "4": "⁴", "5": "⁵", "6": "⁶", "7": "⁷", "8": "⁸",
            "9": "⁹",
        ]
        return String(exponent).compactMap { digits[$0] }.joined()
    }
}
