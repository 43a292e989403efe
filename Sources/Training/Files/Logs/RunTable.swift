import ApusFiles

/// A run's log as a table with a header (RFC 4180): a column for each field that any line has, empty where a line has
/// it not.
struct RunTable {
    let path: String
    private var columns: [String] = []

    /// These columns come first, the others in alphabetical order.
    private static let firstColumns = ["event", "epoch", "step"]

    init(path: String) { self.path = path }

    /// Writes the table anew.
    mutating func rewrite(_ lines: [LogLine]) throws(FileError) {
        let names = lines.reduce(into: Set<String>()) { $0.formUnion($1.fields.keys) }
        columns = Self.firstColumns.filter(names.contains) + names.subtracting(Self.firstColumns).sorted()
        let rows = columns.isEmpty ? [] : [columns.map(Self.quoted)] + lines.map(cells)
        try AtomicFile.write(rows.map { $0.joined(separator: ",") + "\n" }.joined(), to: path)
    }

    /// Adds the last of the lines; a field that is new to the table changes all rows.
    mutating func append(_ line: LogLine, lines: () throws(FileError) -> [LogLine]) throws(FileError) {
        guard line.fields.keys.allSatisfy(columns.contains) else { return try rewrite(try lines()) }
        try AtomicFile.append(Array((cells(line).joined(separator: ",") + "\n").utf8), to: path)
    }

    private func cells(_ line: LogLine) -> [String] { columns.map { name in line[name].map(Self.cell) ?? "" } }

    private static func cell(_ value: RunLog.Value) -> String {
        switch value {
        case .text(let text): quoted(text)
        case .list(let values):
            quoted(values.map { if case .text(let text) = $0 { text } else { $0.json } }.joined(separator: ";"))
        case .null: ""
        default: value.json
        }
    }

    private static func quoted(_ text: String) -> String {
        text.unicodeScalars.contains { "\",\n\r".unicodeScalars.contains($0) }
            ? "\"\(text.replacing("\"", with: "\"\""))\"" : text
    }
}
