/// A value of an attribute, as the text form writes it.
public enum Attribute: Hashable, Sendable {
    /// A whole number.
    case integer(Int)
    /// Whole numbers, such as axes.
    case integers([Int])
    /// A number, printed so that it is read back exactly.
    case number(Double)
    /// Numbers, printed so that they are read back exactly.
    case numbers([Double])
    /// A text in quotation marks.
    case text(String)
    /// `true` or `false`.
    case flag(Bool)
}

/// The attributes of an operation by name, in printing order.
public typealias Attributes = [(name: String, value: Attribute)]

extension Attribute: CustomStringConvertible {
    public var description: String {
        switch self {
        case .integer(let value): "\(value)"
        case .integers(let values): "[" + values.map(String.init).joined(separator: ", ") + "]"
        case .number(let value): numberText(value)
        case .numbers(let values): "[" + values.map(numberText).joined(separator: ", ") + "]"
        case .text(let value): "\"" + escaped(value) + "\""
        case .flag(let value): value ? "true" : "false"
        }
    }

    /// The shortest text that reads back as the same number; always with a point, an exponent or a name.
    private func numberText(_ value: Double) -> String { value.description }

    private func escaped(_ text: String) -> String {
        // Scalar by scalar: a quote with a combining accent is one character, but still a quote.
        text.unicodeScalars.map { scalar in
            switch scalar {
            case "\"", "\\": "\\\(scalar)"
            case "\n": "\\n"
            case "\r": "\\r"
            default: String(scalar)
            }
        }.joined()
    }
}

extension Array where Element == (name: String, value: Attribute) {
    private func find(_ name: String) throws(GraphError) -> Attribute {
        guard let entry = first(where: { $0.name == name }) else {
            throw GraphError(.syntax, "attribute '\(name)' is missing")
        }
        return entry.value
    }

    private func mismatch(_ name: String, _ wanted: String) -> GraphError {
        GraphError(.syntax, "attribute '\(name)' is not \(wanted)")
    }

    package func integer(_ name: String) throws(GraphError) -> Int {
        guard case .integer(let value) = try find(name) else { throw mismatch(name, "an integer") }
        return value
    }

    package func integers(_ name: String) throws(GraphError) -> [Int] {
        switch try find(name) {
        case .integers(let values): return values
        case .numbers(let values) where values.isEmpty: return []
        default: throw mismatch(name, "a list of integers")
        }
    }

    package func number(_ name: String) throws(GraphError) -> Double {
        switch try find(name) {
        case .number(let value): return value
        case .integer(let value): return Double(value)
        default: throw mismatch(name, "a number")
        }
    }

    package func numbers(_ name: String) throws(GraphError) -> [Double] {
        switch try find(name) {
        case .numbers(let values): return values
        case .integers(let values): return values.map(Double.init)
        default: throw mismatch(name, "a list of numbers")
        }
    }

    package func text(_ name: String) throws(GraphError) -> String {
        guard case .text(let value) = try find(name) else { throw mismatch(name, "a text") }
        return value
    }

    package func flag(_ name: String) throws(GraphError) -> Bool {
        guard case .flag(let value) = try find(name) else { throw mismatch(name, "true or false") }
        return value
    }
}
