import Foundation

/// A finished drawing with a title, and a description for people who cannot see it.
public struct Figure: Hashable, Sendable {
    /// Name of its files, without an ending.
    public let name: String
    public let title: String
    public let description: String
    /// Size in user units, which are CSS pixels at the size it was made for.
    public let width: Double, height: Double
    private let body: String

    init(name: String, title: String, description: String, width: Double, height: Double, _ drawing: Drawing) {
        (self.name, self.title, self.description) = (name, title, description)
        (self.width, self.height) = (width, height)
        body = drawing.elements.joined(separator: "\n")
    }

    /// The width that charts are made for: that of a phone.
    static let width = 360.0

    /// The figure as an element of a page that holds the style of charts.
    public var element: String { svg(attributes: "", body) }

    /// The figure as an SVG file.
    public var file: String {
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            + svg(
                attributes:
                    " xmlns=\"http://www.w3.org/2000/svg\" width=\"\(coordinate(width))\" height=\"\(coordinate(height))\"",
                "<style>\(Stylesheet.chart.replacingOccurrences(of: "&", with: "&amp;"))</style>\n"
                    + "<rect class=\"paper\" width=\"\(coordinate(width))\" height=\"\(coordinate(height))\"/>\n" + body
            ) + "\n"
    }

    private func svg(attributes: String, _ content: String) -> String {
        """
        <svg class="chart" role="img" viewBox="0 0 \(coordinate(width)) \(coordinate(height))"\(attributes)>
        <title>\(title.escaped)</title>
        <desc>\(description.escaped)</desc>
        \(content)
        </svg>
        """
    }
}

/// A coordinate with two digits at most.
func coordinate(_ value: Double) -> String {
    let hundredths = (value * 100).rounded()
    let whole = (hundredths / 100).rounded(.towardZero)
    return whole * 100 == hundredths ? String(Int(whole)) : String(hundredths / 100)
}

/// Elements of SVG under way.
struct Drawing: Sendable {
    enum Anchor: String { case start, middle, end }

    private(set) var elements: [String] = []

    mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ style: String) {
        elements.append(
            "<path class=\"\(style)\" d=\"M\(coordinate(x1)) \(coordinate(y1))L\(coordinate(x2)) \(coordinate(y2))\"/>")
    }

    mutating func rectangle(
        _ x: Double, _ y: Double, _ width: Double, _ height: Double, _ style: String, opacity: Double = 1,
        title: String? = nil
    ) {
        let place =
            "x=\"\(coordinate(x))\" y=\"\(coordinate(y))\" width=\"\(coordinate(width))\" height=\"\(coordinate(height))\""
        let faint = opacity < 1 ? " fill-opacity=\"\(coordinate(opacity))\"" : ""
        elements.append("<rect class=\"\(style)\" \(place)\(faint)" + Self.end("rect", title))
    }

    mutating func path(_ path: String, _ style: String, attributes: String = "", title: String? = nil) {
        elements.append("<path class=\"\(style)\"\(attributes) d=\"\(path)\"" + Self.end("path", title))
    }

    /// A line through points, or only its one point.
    mutating func polyline(_ points: [Point], _ style: SeriesStyle, strong: Bool = false) {
        let path = points.map { "\(coordinate($0.x)) \(coordinate($0.y))" }.joined(separator: "L")
        let kind =
            "series c\(style.colour % Palette.count)" + (style.dash % SeriesStyle.dashes.count > 0 ? " dashed" : "")
            + (strong ? " strong" : "")
        self.path("M" + path, kind, attributes: style.dashAttribute)
    }

    mutating func dot(_ x: Double, _ y: Double, _ style: SeriesStyle, radius: Double, title: String? = nil) {
        path(style.shapePath(x: x, y: y, radius: radius), "dot c\(style.colour % Palette.count)", title: title)
    }

    mutating func text(
        _ text: String, _ x: Double, _ y: Double, _ anchor: Anchor = .start, style: String = "", rotated: Double = 0,
        title: String? = nil
    ) {
        let turn = rotated == 0 ? "" : " transform=\"rotate(\(coordinate(rotated)) \(coordinate(x)) \(coordinate(y)))\""
        let kind = style.isEmpty ? anchor.rawValue : "\(anchor.rawValue) \(style)"
        let hint = title.map { "<title>\($0.escaped)</title>" } ?? ""
        elements.append(
            "<text class=\"\(kind)\" x=\"\(coordinate(x))\" y=\"\(coordinate(y))\"\(turn)>\(hint)\(text.escaped)</text>"
        )
    }

    /// A PNG in a rectangle, with its pixels as squares.
    mutating func picture(_ png: [UInt8], _ x: Double, _ y: Double, _ width: Double, _ height: Double, title: String) {
        let place =
            "x=\"\(coordinate(x))\" y=\"\(coordinate(y))\" width=\"\(coordinate(width))\" height=\"\(coordinate(height))\""
        let data = "data:image/png;base64," + Data(png).base64EncodedString()
        elements.append(
            "<image \(place) style=\"image-rendering:pixelated\" href=\"\(data)\"" + Self.end("image", title))
    }

    private static func end(_ name: String, _ title: String?) -> String {
        title.map { "><title>\($0.escaped)</title></\(name)>" } ?? "/>"
    }

    /// About how wide a text is; no fonts are looked at, so it is on the safe side.
    static func width(of text: String, size: Double = 11) -> Double { Double(text.count) * size * 0.62 }

    /// The heading of a figure, in lines that fit; returns where the next thing can stand.
    mutating func heading(_ title: String, width: Double) -> Double {
        let room = Int((width - 4) / (13 * 0.58))
        var lines = [""]
        for word in title.split(separator: " ") {
            let word = String(word).shortened(to: room)
            let line = lines[lines.count - 1]
            if line.isEmpty {
                lines[lines.count - 1] = word
            } else if line.count + 1 + word.count <= room {
                lines[lines.count - 1] = line + " " + word
            } else {
                lines.append(word)
            }
        }
        for (number, line) in lines.enumerated() { text(line, 2, 16 + Double(number) * 16, style: "heading") }
        return 16 * Double(lines.count) + 6
    }
}

/// A point of a chart.
public struct Point: Hashable, Sendable {
    public var x: Double, y: Double

    public init(_ x: Double, _ y: Double) { (self.x, self.y) = (x, y) }
}
