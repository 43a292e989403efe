/// Points in a plane by class; the axes have no meaning of their own, as in an embedding.
public struct ScatterChart: Hashable, Sendable {
    public var name: String, title: String
    public var points: [Point]
    /// The class of each point.
    public var labels: [Int]
    public var classes: [String]

    public init(name: String, title: String, points: [Point], labels: [Int], classes: [String]) {
        (self.name, self.title, self.points, self.labels, self.classes) = (name, title, points, labels, classes)
    }

    /// The drawn chart; a unit is as long across as up.
    public var figure: Figure {
        var drawing = Drawing()
        let top = drawing.heading(title, width: Figure.width)
        let (left, side) = (2.0, Figure.width - 4)
        let shown = zip(points, labels).filter { $0.0.x.isFinite && $0.0.y.isFinite }
        let xs = shown.map(\.0.x), ys = shown.map(\.0.y)
        let centre = Point(((xs.min() ?? 0) + (xs.max() ?? 0)) / 2, ((ys.min() ?? 0) + (ys.max() ?? 0)) / 2)
        let extent = max((xs.max() ?? 0) - (xs.min() ?? 0), (ys.max() ?? 0) - (ys.min() ?? 0), 1e-9)
        let scale = (side - 24) / extent
        drawing.path("M\(left) \(coordinate(top))h\(side)v\(side)h-\(side)Z", "grid")
        let radius = shown.count > 600 ? 2.2 : shown.count > 200 ? 2.8 : 3.6
        for (point, label) in shown {
            drawing.dot(
                left + side / 2 + (point.x - centre.x) * scale, top + side / 2 - (point.y - centre.y) * scale,
                .numbered(label), radius: radius)
        }
        let counts = Dictionary(labels.map { ($0, 1) }, uniquingKeysWith: +)
        let legend = Legend(
            entries: classes.enumerated().map { number, name in
                Legend.Entry(name: "\(name) (\(counts[number] ?? 0))", style: .numbered(number), kind: .point)
            },
            width: Figure.width - 4)
        legend.draw(in: &drawing, x: 2, y: top + side + 8)
        let names = classes.enumerated().map { "\($1): \(counts[$0] ?? 0) points" }.joined(separator: "; ")
        return Figure(
            name: name, title: title, description: "Points in a plane, by class. \(names).", width: Figure.width,
            height: top + side + 12 + legend.height, drawing)
    }
}
