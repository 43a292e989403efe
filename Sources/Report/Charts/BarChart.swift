/// Bars from 0, one below the other, of one or more parts each: what models cost.
public struct BarChart: Hashable, Sendable {
    public struct Bar: Hashable, Sendable {
        public var label: String
        /// One value for each of the chart's parts, none below 0.
        public var parts: [Double]
        /// What stands at the end of the bar.
        public var text: String

        public init(_ label: String, _ parts: [Double], text: String) {
            (self.label, self.parts, self.text) = (label, parts, text)
        }
    }

    public var name: String, title: String
    /// What the parts of the bars are.
    public var parts: [String]
    public var bars: [Bar]

    public init(name: String, title: String, parts: [String], bars: [Bar]) {
        (self.name, self.title, self.parts, self.bars) = (name, title, parts, bars)
    }

    /// The drawn chart: each bar below its label.
    public var figure: Figure {
        var drawing = Drawing()
        var y = drawing.heading(title, width: Figure.width) + 2
        let longest = bars.map { $0.parts.reduce(0, +) }.max() ?? 0
        let room = Figure.width - 8 - (bars.map { Drawing.width(of: $0.text) }.max() ?? 0)
        let scale = longest > 0 ? room / longest : 0
        for bar in bars {
            drawing.text(bar.label.shortened(to: Int(Figure.width / 6.2)), 2, y + 12, title: bar.label)
            var x = 2.0
            for (number, value) in bar.parts.enumerated() {
                drawing.rectangle(
                    x, y + 17, max(value * scale - (number < bar.parts.count - 1 ? 1 : 0), 0), 13,
                    "bar c\(number % Palette.count)")
                x += value * scale
            }
            drawing.text(bar.text, x + 5, y + 27.5, style: "bold")
            y += 40
        }
        let legend = Legend(
            entries: parts.count > 1
                ? parts.enumerated().map { Legend.Entry(name: $1, style: SeriesStyle(colour: $0), kind: .area) } : [],
            width: Figure.width - 4)
        legend.draw(in: &drawing, x: 2, y: y + 2)
        let values = bars.map { "\($0.label): \($0.text)" }.joined(separator: "; ")
        return Figure(
            name: name, title: title, description: "\(parts.joined(separator: ", ")). \(values).", width: Figure.width,
            height: y + 6 + legend.height, drawing)
    }
}
