import ApusFiles
import Foundation

/// One line of a run's log as it reads from the file, which is what the other logs are made of.
struct LogLine {
    let fields: [String: RunLog.Value]

    /// Reads a line; nil for what is no JSON object.
    init?(_ json: some DataProtocol) {
        guard let fields = try? JSONDecoder().decode([String: RunLog.Value].self, from: Data(json)) else { return nil }
        self.fields = fields
    }

    subscript(name: String) -> RunLog.Value? { fields[name] }
}

extension RunLog.Value: Decodable {
    /// Reads a JSON value. What a log of this program does not have, objects, reads as null.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let flag = try? container.decode(Bool.self) {
            self = .flag(flag)
        } else if let integer = try? container.decode(Int.self) {
            self = .integer(integer)
        } else if let number = try? container.decode(Double.self) {
            self = .number(number)
        } else if let text = try? container.decode(String.self) {
            self = .text(text)
        } else {
            self = (try? container.decode([Self].self)).map { .list($0) } ?? .null
        }
    }

    var integer: Int? { if case .integer(let integer) = self { integer } else { nil } }

    /// The number, also one that JSON has no word for.
    var double: Double? {
        switch self {
        case .integer(let integer): Double(integer)
        case .number(let number): number
        case .text("NaN"): .nan
        case .text("Infinity"): .infinity
        case .text("-Infinity"): -.infinity
        default: nil
        }
    }

    /// The value as JSON.
    var json: String {
        switch self {
        case .integer(let integer): String(integer)
        case .number(let number) where number.isNaN: "\"NaN\""
        case .number(let number) where number.isInfinite: number < 0 ? "\"-Infinity\"" : "\"Infinity\""
        case .number(let number): String(number)
        case .text(let text): JSONText.quoted(text)
        case .flag(let flag): String(flag)
        case .list(let values): "[\(values.map(\.json).joined(separator: ","))]"
        case .null: "null"
        }
    }
}
