/// Pictures in rows and columns: images with what a model makes of them.
public struct PictureGrid: Hashable, Sendable {
    public struct Row: Hashable, Sendable {
        public var label: String
        /// The pictures as PNG files, all of one form.
        public var pictures: [[UInt8]]

        public init(_ label: String, _ pictures: [[UInt8]]) { (self.label, self.pictures) = (label, pictures) }
    }

    public var name: String, title: String
    /// What stands above the columns.
    public var columns: [String]
    public var rows: [Row]
    /// Height of a picture as a share of its width.
    public var aspect: Double

    public init(name: String, title: String, columns: [String], rows: [Row], aspect: Double = 1) {
        (self.name, self.title, self.columns, self.rows, self.aspect) = (name, title, columns, rows, aspect)
    }

    /// The drawn grid; the pictures are inside of it.
    public var figure: Figure {
        var drawing = Drawing()
        var y = drawing.heading(title, width: Figure.width)
        let gap = 6.0, count = Double(max(columns.count, 1))
        let width = (Figure.width - 4 - gap * (count - 1)) / count
        for (number, column) in columns.enumerated() {
            drawing.text(
                column.shortened(to: Int(width / 6.2)), 2 + Double(number) * (width + gap) + width / 2, y + 11, .middle,
                style: "quiet", title: column)
        }
        y += 18
        for row in rows {
            for (number, picture) in row.pictures.enumerated() {
                drawing.picture(
                    picture, 2 + Double(number) * (width + gap), y, width, width * aspect,
                    title: "\(row.label): \(columns.indices.contains(number) ? columns[number] : "")")
            }
            y += width * aspect
            drawing.text(
                row.label.shortened(to: Int(Figure.width / 5.8)), 2, y + 12, style: "quiet small", title: row.label)
            y += 20
        }
        return Figure(
            name: name, title: title,
            description: "\(columns.joined(separator: ", ")) of \(rows.map(\.label).joined(separator: ", ")).",
            width: Figure.width, height: y + 2, drawing)
    }
}
