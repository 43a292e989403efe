import ApusRendering
import ApusReport
import Foundation
import Testing

@Suite struct FigureTests {
    private let hostile = "<b>&\"'\u{1}\u{7}"

    private func lines(_ points: [Point]) -> LineChart {
        LineChart(
            name: "loss", title: "Loss", x: Axis("epoch", isWhole: true), y: Axis("loss"),
            series: [LineChart.Series("run", points, style: .numbered(0))])
    }

    private var figures: [Figure] {
        let points = (0..<20).map { Point(Double($0), 1 / Double($0 + 1)) }
        var logarithmic = lines(points)
        logarithmic.y.scale = .logarithmic
        logarithmic.series[0].deviations = points.map { _ in 0.2 }
        return [
            lines(points).figure, logarithmic.figure,
            LineChart.roc(
                name: "roc", title: "ROC \(hostile)",
                curves: [("a", 0.5, [Point(0, 0), Point(1, 1)]), (hostile, nil, [])],
                mean: (0.5, [Point(0, 0), Point(1, 1)])
            ).figure,
            MatrixChart(name: "m", title: "Confusion", counts: [[9, 1], [0, 0]], classes: ["a", hostile]).figure,
            ScatterChart(
                name: "t", title: "t-SNE", points: points, labels: points.indices.map { $0 % 2 },
                classes: ["a", hostile]
            ).figure,
            BarChart(
                name: "b", title: "Cost", parts: ["linear", "attention"], bars: [.init(hostile, [1, 2], text: "3")]
            ).figure,
            PictureGrid(name: "p", title: "Pictures", columns: ["a", "b"], rows: [.init(hostile, [[1, 2, 3], [4]])])
                .figure,
        ]
    }

    @Test func everyFigureIsWellFormedAndNamed() throws {
        for figure in figures {
            let elements = try XMLElements(Data(figure.file.utf8))
            #expect(elements.names.first == "svg")
            #expect(Array(elements.names[1...2]) == ["title", "desc"])
            #expect(!figure.description.isEmpty)
            #expect(!figure.file.contains("<b>"))
        }
    }

    @Test func everyFigureIsDrawn() throws {
        for figure in figures where figure.name != "p" {
            let png = try figure.png(scale: 1)
            #expect(png.starts(with: [0x89, 0x50, 0x4E, 0x47]))
            // Width and height stand in the header, big-endian.
            #expect(png[16..<20].reduce(0) { $0 << 8 | Int($1) } == Int(figure.width.rounded(.up)))
            #expect(png[20..<24].reduce(0) { $0 << 8 | Int($1) } == Int(figure.height.rounded(.up)))
        }
        #expect(throws: RenderingError.self) { try figures[0].png(scale: 1000) }
    }

    @Test func linesBreakWhereNumbersAreMissing() {
        func paths(_ points: [Point]) -> Int {
            lines(points).figure.element.components(separatedBy: "class=\"series").count - 1
        }
        // One path is that of the legend.
        #expect(paths([Point(0, 1), Point(1, 2), Point(2, 3)]) == 2)
        #expect(paths([Point(0, 1), Point(1, .nan), Point(2, 3)]) == 3)
        #expect(paths([Point(0, .nan)]) == 1)
        #expect(paths([]) == 1)
    }

    @Test func seriesDifferWithoutColour() {
        let styles = (0..<40).map { SeriesStyle.numbered($0) }
        #expect(Set(styles.map { [$0.colour, $0.dash] }).count == 40)
        for (style, next) in zip(styles, styles.dropFirst()) {
            #expect(style.dash != next.dash && style.shape != next.shape)
        }
    }

    @Test func theMatrixSaysCountsAndShares() {
        let text = MatrixChart(name: "m", title: "Confusion", counts: [[3, 1], [0, 0]], classes: ["sick", "well"])
            .figure
        for part in [">3<", ">75\u{202F}%<", ">1<", ">25\u{202F}%<", ">none<", "true sick, predicted well: 1 of 4"] {
            #expect(text.element.contains(part))
        }
        #expect(text.description.contains("sick: 3 of 4 right"))
    }
}

/// The names of the elements of an XML document, in order; throws if it is not well-formed.
struct XMLElements {
    private(set) var names: [String] = []

    struct NotWellFormed: Error { let place: Int }

    /// A scanner of tags: enough to find unbalanced tags, raw `<` or `&`, and attributes without quotes.
    init(_ data: Data) throws {
        let text = Array(String(decoding: data, as: UTF8.self).unicodeScalars)
        var index = 0, open: [String] = []
        func fail() -> NotWellFormed { NotWellFormed(place: index) }
        while index < text.count {
            let scalar = text[index]
            guard scalar.value >= 32 || scalar == "\n" || scalar == "\t" else { throw fail() }
            if scalar == "&" {
                let end = text[index...].prefix(10).firstIndex(of: ";")
                guard let end,
                    ["&amp", "&lt", "&gt", "&quot", "&#39"].contains(
                        String(String.UnicodeScalarView(text[index..<end])))
                else { throw fail() }
            }
            guard scalar == "<" else {
                guard scalar != ">" || open.last == "style" else { throw fail() }
                index += 1
                continue
            }
            guard let end = text[index...].firstIndex(of: ">") else { throw fail() }
            let tag = String(String.UnicodeScalarView(text[index + 1..<end]))
            if tag.hasPrefix("/") {
                guard open.popLast() == String(tag.dropFirst()) else { throw fail() }
            } else if !tag.hasPrefix("?") && !tag.hasPrefix("!") {
                let name = String(tag.prefix { $0.isLetter || $0.isNumber })
                guard !name.isEmpty, tag.filter({ $0 == "\"" }).count % 2 == 0, !tag.dropFirst().contains("<") else {
                    throw fail()
                }
                names.append(name)
                if !tag.hasSuffix("/") { open.append(name) }
            }
            index = end + 1
        }
        guard open.isEmpty else { throw fail() }
    }
}
