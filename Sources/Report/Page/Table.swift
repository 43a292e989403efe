/// A table; where it is wider than the page it scrolls in its own box.
public struct Table: Hashable, Sendable {
    public struct Column: Hashable, Sendable {
        public var title: String
        /// Whether its cells are numbers, which stand below each other from the right.
        public var isNumeric: Bool

        public init(_ title: String, isNumeric: Bool = false) { (self.title, self.isNumeric) = (title, isNumeric) }

        public static func number(_ title: String) -> Column { Column(title, isNumeric: true) }
    }

    public var caption: String
    public var columns: [Column]
    /// Cells by row; the first of a row names it, and an empty one is drawn as a dash.
    public var rows: [[String]]

    public init(_ caption: String, columns: [Column], rows: [[String]]) {
        (self.caption, self.columns, self.rows) = (caption, columns, rows)
    }

    var html: String {
        let head = columns.map { "<th scope=\"col\"\(Self.kind($0))>\($0.title.escaped)</th>" }.joined()
        let body = rows.map { row in
            "<tr>"
                + zip(columns, row).enumerated().map { number, cell in
                    let text = cell.1.isEmpty ? "–" : cell.1.escaped
                    return number == 0 ? "<th scope=\"row\">\(text)</th>" : "<td\(Self.kind(cell.0))>\(text)</td>"
                }.joined() + "</tr>"
        }
        return """
            <p class="caption">\(caption.escaped)</p>
            <div class="scroll" tabindex="0" role="region" aria-label="\(caption.escaped)">
            <table aria-label="\(caption.escaped)">
            <thead><tr>\(head)</tr></thead>
            <tbody>
            \(body.joined(separator: "\n"))
            </tbody>
            </table>
            </div>
            """
    }

    private static func kind(_ column: Column) -> String { column.isNumeric ? " class=\"number\"" : "" }
}
