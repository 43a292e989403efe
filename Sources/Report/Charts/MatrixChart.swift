/// A confusion matrix: counts, and shares of each true class as the strength of the colour.
public struct MatrixChart: Hashable, Sendable {
    public var name: String, title: String
    /// Counts; rows are true classes, columns predicted ones.
    public var counts: [[Int]]
    public var classes: [String]

    public init(name: String, title: String, counts: [[Int]], classes: [String]) {
        (self.name, self.title, self.counts, self.classes) = (name, title, counts, classes)
    }

    private static let smallestCell = 38.0, largestCell = 72.0
    private static let labelLength = 14

    /// The drawn matrix; wider than other charts if there are many classes.
    public var figure: Figure {
        let labels = classes.map { $0.shortened(to: Self.labelLength) }
        let longest = labels.map { Drawing.width(of: $0) }.max() ?? 0
        let left = longest + 10
        let columns = Double(max(classes.count, 1))
        func side(beside margin: Double) -> Double {
            min(max((Figure.width - left - margin) / columns, Self.smallestCell), Self.largestCell)
        }
        // Labels that are wider than a cell are tilted, and the last one reaches beyond the matrix.
        let isTilted = longest > side(beside: 4) - 4
        let margin = isTilted ? longest * 0.71 - Self.smallestCell / 2 + 8 : 4
        let cell = side(beside: margin)
        let width = max(Figure.width, (left + cell * columns + margin).rounded())
        var drawing = Drawing()
        let headingEnd = drawing.heading(title, width: width)
        let top = headingEnd + 18 + (isTilted ? longest * 0.71 + 10 : 18)
        drawing.text("true class", left - 8, top - 8, .end, style: "quiet")
        drawing.text("predicted class", left + cell * columns / 2, headingEnd + 12, .middle, style: "quiet")
        for (number, label) in labels.enumerated() {
            let middle = (Double(number) + 0.5) * cell
            drawing.text(label, left - 8, top + middle + 4, .end, title: classes[number])
            if isTilted {
                drawing.text(label, left + middle + 3, top - 7, .start, rotated: -45, title: classes[number])
            } else {
                drawing.text(label, left + middle, top - 8, .middle, title: classes[number])
            }
        }
        for (row, line) in counts.enumerated() {
            let total = line.reduce(0, +)
            for (column, count) in line.enumerated() {
                draw(
                    count, of: total, (row, column), x: left + Double(column) * cell, y: top + Double(row) * cell, cell,
                    &drawing)
            }
        }
        return Figure(
            name: name, title: title, description: description, width: width,
            height: top + cell * Double(counts.count) + 6, drawing)
    }

    private func draw(
        _ count: Int, of total: Int, _ place: (row: Int, column: Int), x: Double, y: Double, _ cell: Double,
        _ drawing: inout Drawing
    ) {
        let share = total == 0 ? 0 : Double(count) / Double(total)
        let text = total == 0 ? "none" : NumberText.percent(share, 0)
        let hint = "true \(classes[place.row]), predicted \(classes[place.column]): \(count) of \(total)"
        drawing.rectangle(x + 1, y + 1, cell - 2, cell - 2, "cell", opacity: 0.05 + 0.95 * share, title: hint)
        let on = share > 0.68 ? " on" : ""
        drawing.text(NumberText.whole(count), x + cell / 2, y + cell / 2 + 0.5, .middle, style: "bold" + on)
        drawing.text(text, x + cell / 2, y + cell / 2 + 13, .middle, style: "small" + on)
    }

    private var description: String {
        let rows = counts.enumerated().map { row, line in
            let all = line.reduce(0, +)
            return "\(classes[row]): \(line.indices.contains(row) ? line[row] : 0) of \(all) right"
        }
        return "Rows are true classes, columns predicted ones; shares are of the row. " + rows.joined(separator: "; ")
            + "."
    }
}
