/// The field between two axes: where numbers become places on paper.
struct PlotArea {
    let x: Ticks, y: Ticks
    let left: Double, top: Double, width: Double, height: Double

    var right: Double { left + width }
    var bottom: Double { top + height }

    /// Fits the axes into a width; the field begins below `top`, with room for the label of the vertical axis above it.
    init(x: Ticks, y: Ticks, figureWidth: Double, top: Double, height: Double? = nil) {
        (self.x, self.y) = (x, y)
        let labels = y.labels.map { Drawing.width(of: $0) }.max() ?? 0
        left = labels + 12
        self.top = top + 22
        width = figureWidth - left - 14
        self.height = height ?? width
    }

    /// Where a pair of values lies; nil if an axis cannot show it.
    func place(_ point: Point) -> Point? {
        guard let x = x.place(point.x), let y = y.place(point.y) else { return nil }
        return Point(left + x * width, bottom - y * height)
    }

    /// Draws grid, ticks and labels; returns where the next thing below can stand.
    func draw(in drawing: inout Drawing) -> Double {
        drawing.text(y.axis.label, 2, top - 11, style: "quiet")
        for (value, label) in zip(y.values, y.labels) {
            guard let place = y.place(value) else { continue }
            let height = bottom - place * height
            drawing.line(left, height, right, height, "grid")
            drawing.text(label, left - 6, height + 4, .end, style: "quiet")
        }
        for (value, label) in zip(x.values, x.labels) {
            guard let place = x.place(value) else { continue }
            let column = left + place * width
            drawing.line(column, bottom, column, bottom + 4, "axis")
            // The last label stays inside of the figure.
            let half = Drawing.width(of: label) / 2
            drawing.text(label, min(column, right + 14 - half), bottom + 16, .middle, style: "quiet")
        }
        drawing.line(left, bottom, right, bottom, "axis")
        drawing.text(x.axis.label, left + width / 2, bottom + 31, .middle, style: "quiet")
        return bottom + 40
    }
}
