/// The names of the series below a chart, as many beside each other as fit.
struct Legend {
    struct Entry {
        let name: String, style: SeriesStyle
        /// Whether it stands for a line, for points, or for an area.
        let kind: Kind
        var isStrong = false
    }

    enum Kind { case line, point, area }

    let entries: [Entry]
    let width: Double
    /// Whether each entry has a line to itself.
    var isList = false

    private static let rowHeight = 16.0, symbolWidth = 28.0

    /// Where each entry begins, from the upper left corner.
    private var places: [Point] {
        var places: [Point] = [], x = 0.0, y = 0.0
        for entry in entries {
            let needed = Self.symbolWidth + Drawing.width(of: text(entry)) + 14
            if x > 0, isList || x + needed > width { (x, y) = (0, y + Self.rowHeight) }
            places.append(Point(x, y))
            x += needed
        }
        return places
    }

    private func text(_ entry: Entry) -> String { entry.name.shortened(to: Int((width - Self.symbolWidth) / 6.6)) }

    var height: Double { entries.isEmpty ? 0 : (places.last?.y ?? 0) + Self.rowHeight }

    func draw(in drawing: inout Drawing, x: Double, y: Double) {
        for (entry, place) in zip(entries, places) {
            let (left, middle) = (x + place.x, y + place.y + Self.rowHeight / 2)
            switch entry.kind {
            case .line:
                drawing.polyline([Point(left, middle), Point(left + 22, middle)], entry.style, strong: entry.isStrong)
                if entry.style.shape >= 0 { drawing.dot(left + 11, middle, entry.style, radius: 3.2) }
            case .point: drawing.dot(left + 11, middle, entry.style, radius: 4)
            case .area: drawing.rectangle(left + 4, middle - 5, 14, 10, "bar c\(entry.style.colour % Palette.count)")
            }
            drawing.text(text(entry), left + Self.symbolWidth, middle + 4, title: entry.name)
        }
    }
}
