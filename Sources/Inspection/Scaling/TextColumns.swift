/// Rows of columns, each as wide as its widest entry, which stand on the right.
struct TextColumns {
    private let rows: [[String]]

    init(_ rows: [[String]]) { self.rows = rows }

    var text: String {
        let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            zip(row, widths).map { String(repeating: " ", count: $1 - $0.count) + $0 }.joined(separator: "  ")
        }.joined(separator: "\n")
    }
}
