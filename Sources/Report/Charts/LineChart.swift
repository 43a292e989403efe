/// Lines over a common axis: losses, accuracies and learning rates over epochs, and ROC curves.
public struct LineChart: Hashable, Sendable {
    /// One line; values that are not finite, or that the axis cannot show, are gaps.
    public struct Series: Hashable, Sendable {
        public var name: String
        public var points: [Point]
        /// How far a band around each point reaches up and down; empty for no band.
        public var deviations: [Double]
        public var style: SeriesStyle
        /// Whether the line is thicker than the others.
        public var isStrong: Bool
        /// Whether shapes stand on the line; without them it is told by colour and dash alone.
        public var hasShapes: Bool

        public init(
            _ name: String, _ points: [Point], deviations: [Double] = [], style: SeriesStyle, isStrong: Bool = false,
            hasShapes: Bool = true
        ) {
            (self.name, self.points, self.deviations, self.style) = (name, points, deviations, style)
            (self.isStrong, self.hasShapes) = (isStrong, hasShapes)
        }
    }

    public var name: String, title: String
    public var x: Axis, y: Axis
    public var series: [Series]
    /// Whether the field is a square with a dashed diagonal, as for ROC curves.
    public var hasDiagonal = false

    public init(name: String, title: String, x: Axis, y: Axis, series: [Series]) {
        (self.name, self.title, self.x, self.y, self.series) = (name, title, x, y, series)
    }

    /// Shapes on one line, at most.
    private static let shapes = 6

    /// The drawn chart, with a legend below it.
    public var figure: Figure {
        var drawing = Drawing()
        let top = drawing.heading(title, width: Figure.width)
        let heights = series.flatMap { series in
            series.points.map(\.y) + zip(series.points, series.deviations).flatMap { [$0.y - $1, $0.y + $1] }
        }
        let area = PlotArea(
            x: Ticks(x, for: series.flatMap { $0.points.map(\.x) }, wanted: 6), y: Ticks(y, for: heights),
            figureWidth: Figure.width, top: top,
            height: hasDiagonal ? nil : 170)
        let below = area.draw(in: &drawing)
        if hasDiagonal { drawing.line(area.left, area.bottom, area.right, area.top, "reference") }
        for series in series { band(series, area, &drawing) }
        for series in series { line(series, area, &drawing) }
        let legend = Legend(
            entries: series.map {
                var style = $0.style
                if !$0.hasShapes { style.shape = -1 }
                return Legend.Entry(name: $0.name, style: style, kind: .line, isStrong: $0.isStrong)
            },
            width: Figure.width - 4, isList: hasDiagonal)
        legend.draw(in: &drawing, x: 2, y: below)
        return Figure(
            name: name, title: title, description: description, width: Figure.width, height: below + legend.height + 4,
            drawing)
    }

    private var description: String {
        let lines = series.map { series in
            let shown = series.points.filter { $0.y.isFinite }
            guard let last = shown.last else { return "\(series.name): nothing to show" }
            return "\(series.name): \(NumberText.short(last.y)) at \(NumberText.short(last.x))"
        }
        return "\(y.label) over \(x.label). " + lines.joined(separator: "; ") + "."
    }

    private func band(_ series: Series, _ area: PlotArea, _ drawing: inout Drawing) {
        let points = zip(series.points, series.deviations).filter { $0.y.isFinite && $1.isFinite }
        guard points.count > 1 else { return }
        // A logarithmic axis cannot show a band that reaches 0; it ends at the axis there.
        func edge(_ sign: Double) -> [Point] {
            points.compactMap { area.place(Point($0.x, max($0.y + sign * $1, area.y.range.lowerBound))) }
        }
        let outline = (edge(1) + edge(-1).reversed()).map {
            "\(coordinate($0.x)) \(coordinate(min(max($0.y, area.top), area.bottom)))"
        }
        drawing.path("M" + outline.joined(separator: "L") + "Z", "band c\(series.style.colour % Palette.count)")
    }

    private func line(_ series: Series, _ area: PlotArea, _ drawing: inout Drawing) {
        var part: [Point] = [], shown: [(place: Point, point: Point)] = []
        for point in series.points {
            if let place = area.place(point) {
                part.append(place)
                shown.append((place, point))
            } else if !part.isEmpty {
                drawing.polyline(part, series.style, strong: series.isStrong)
                part = []
            }
        }
        if !part.isEmpty { drawing.polyline(part, series.style, strong: series.isStrong) }
        guard series.hasShapes, !shown.isEmpty else { return }
        let stride = max(1, (shown.count - 1 + Self.shapes - 1) / Self.shapes)
        // From the end backwards, so that the last value has its shape; the first of series that begin alike do not
        // cover each other.
        for index in Swift.stride(from: shown.count - 1, through: 0, by: -stride) {
            let (place, point) = shown[index]
            drawing.dot(
                place.x, place.y, series.style, radius: 3.2,
                title: "\(series.name): \(NumberText.short(point.y, digits: 4)) at \(NumberText.short(point.x))")
        }
    }
}

extension LineChart {
    /// ROC curves of classes, and their mean as a thicker line.
    ///
    /// - Parameter curves: The name, the area, and the points (share of negatives, share of positives) of each class;
    ///   no points for a class that has no curve.
    public static func roc(
        name: String, title: String, curves: [(name: String, area: Double?, points: [Point])],
        mean: (area: Double, points: [Point])?
    ) -> LineChart {
        func label(_ name: String, _ area: Double?) -> String {
            "\(name): " + (area.map { "AUC " + NumberText.fixed($0, 3) } ?? "no AUC")
        }
        var series = curves.enumerated().map { number, curve in
            Series(label(curve.name, curve.area), curve.points, style: .numbered(number + 1), hasShapes: false)
        }
        if let mean, curves.count > 1 {
            series.append(
                Series(
                    label("mean", mean.area), mean.points, style: SeriesStyle(colour: 0), isStrong: true,
                    hasShapes: false))
        }
        var chart = LineChart(
            name: name, title: title, x: Axis("false positive rate", range: 0...1),
            y: Axis("true positive rate", range: 0...1), series: series)
        chart.hasDiagonal = true
        return chart
    }
}
