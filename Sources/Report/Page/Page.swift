/// A document of sections, written as one HTML file that needs nothing beside it: no script, no font, no picture from
/// elsewhere.
public struct Page: Hashable, Sendable {
    public struct Section: Hashable, Sendable {
        public var title: String
        public var blocks: [Block]

        public init(_ title: String, _ blocks: [Block]) { (self.title, self.blocks) = (title, blocks) }
    }

    public enum Block: Hashable, Sendable {
        case paragraph(String)
        /// A remark in smaller letters: where numbers come from, or why there are none.
        case note(String)
        /// A heading below that of the section.
        case heading(String)
        case list([String])
        case table(Table)
        /// Figures beside each other, as many as fit, with a caption each.
        case figures([CaptionedFigure])
        /// What is shown only when it is opened; it is always printed.
        case details(String, [Block])
    }

    public struct CaptionedFigure: Hashable, Sendable {
        public var figure: Figure
        public var caption: String

        public init(_ figure: Figure, _ caption: String = "") { (self.figure, self.caption) = (figure, caption) }
    }

    public var title: String
    /// What the page is about, in a sentence or two.
    public var lead: String
    public var sections: [Section]

    public init(title: String, lead: String, sections: [Section]) {
        (self.title, self.lead, self.sections) = (title, lead, sections)
    }

    /// All figures of the page, in order.
    public var figures: [Figure] { sections.flatMap { $0.blocks.flatMap(Self.figures) } }

    private static func figures(_ block: Block) -> [Figure] {
        switch block {
        case .figures(let all): all.map(\.figure)
        case .details(_, let blocks): blocks.flatMap(figures)
        case .paragraph, .note, .heading, .list, .table: []
        }
    }

    /// The document.
    public var html: String {
        let anchors = Self.anchors(sections.map(\.title))
        let links = zip(sections, anchors).map { "<li><a href=\"#\($1)\">\($0.title.escaped)</a></li>" }.joined()
        let body = zip(sections, anchors).map { section, anchor in
            "<section id=\"\(anchor)\">\n<h2>\(section.title.escaped)</h2>\n\(section.blocks.map(Self.html).joined(separator: "\n"))\n</section>"
        }
        return """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>\(title.escaped)</title>
            <style>
            \(Stylesheet.page)
            \(Stylesheet.chart)
            </style>
            </head>
            <body>
            <header>
            <h1>\(title.escaped)</h1>
            <p class="lead">\(lead.escaped)</p>
            <nav aria-label="Sections"><ul>\(links)</ul></nav>
            </header>
            <main>
            \(body.joined(separator: "\n"))
            </main>
            </body>
            </html>

            """
    }

    /// A name for each section's place, no two alike.
    private static func anchors(_ titles: [String]) -> [String] {
        var seen: [String: Int] = [:]
        return titles.map { title in
            let slug = title.slug
            seen[slug, default: 0] += 1
            return seen[slug] == 1 ? slug : "\(slug)-\(seen[slug] ?? 0)"
        }
    }

    private static func html(_ block: Block) -> String {
        switch block {
        case .paragraph(let text): "<p>\(text.escaped)</p>"
        case .note(let text): "<p class=\"note\">\(text.escaped)</p>"
        case .heading(let text): "<h3>\(text.escaped)</h3>"
        case .list(let items): "<ul>\(items.map { "<li>\($0.escaped)</li>" }.joined())</ul>"
        case .table(let table): table.html
        case .figures(let figures): "<div class=\"figures\">\n\(figures.map(html).joined(separator: "\n"))\n</div>"
        case .details(let summary, let blocks):
            "<details><summary>\(summary.escaped)</summary>\n\(blocks.map(html).joined(separator: "\n"))\n</details>"
        }
    }

    private static func html(_ captioned: CaptionedFigure) -> String {
        // A figure that was made wider than others keeps its size and scrolls in its own box.
        let isWide = captioned.figure.width > Figure.width
        let open =
            isWide
            ? "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"\(captioned.figure.title.escaped)\">"
            : ""
        let size = isWide ? " style=\"--natural:\(coordinate(captioned.figure.width))px\"" : ""
        let caption = captioned.caption.isEmpty ? "" : "\n<figcaption>\(captioned.caption.escaped)</figcaption>"
        return
            "<figure\(isWide ? " class=\"wide\"" : "")\(size)>\(open)\(captioned.figure.element)\(isWide ? "</div>" : "")\(caption)</figure>"
    }
}
