/// The style of all charts, as CSS: on light paper, and on dark screens.
///
/// Rules are plain enough for every renderer of SVG; those that do not know media queries draw on light paper.
enum Stylesheet {
    static let fonts = "system-ui,-apple-system,\"Segoe UI\",Roboto,\"Noto Sans\",\"DejaVu Sans\",sans-serif"

    static let chart = """
        svg.chart{font-family:\(fonts);font-size:11px;font-variant-numeric:tabular-nums}
        svg.chart .bold{font-weight:600}
        svg.chart .heading{font-size:13px;font-weight:600}
        svg.chart .small{font-size:9.5px}
        svg.chart .start{text-anchor:start}svg.chart .middle{text-anchor:middle}svg.chart .end{text-anchor:end}
        svg.chart .series{fill:none;stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}
        svg.chart .dashed{stroke-linecap:butt}
        svg.chart .strong{stroke-width:2.6}
        svg.chart .dot{stroke-width:.7}
        svg.chart .band{stroke:none;fill-opacity:.16}
        svg.chart .grid,svg.chart .axis,svg.chart .reference,svg.chart .error{fill:none;stroke-width:1}
        svg.chart .reference{stroke-dasharray:3 3}
        \(colours(Palette.light, paper: "#fff", ink: "#1b1f23", quiet: "#565e67", grid: "#e3e6e9", cell: "#00558a", onCell: "#fff"))
        @media screen and (prefers-color-scheme:dark){
        \(colours(Palette.dark, paper: "#15181c", ink: "#e8eaed", quiet: "#a7afb8", grid: "#33393f", cell: "#4aa0d4", onCell: "#0b0e11"))
        }
        """

    private static func colours(
        _ series: [String], paper: String, ink: String, quiet: String, grid: String, cell: String, onCell: String
    ) -> String {
        """
        svg.chart .paper{fill:\(paper)}
        svg.chart text{fill:\(ink)}svg.chart text.quiet{fill:\(quiet)}svg.chart text.on{fill:\(onCell)}
        svg.chart .grid{stroke:\(grid)}svg.chart .axis,svg.chart .reference{stroke:\(quiet)}svg.chart .error{stroke:\(ink)}
        svg.chart .cell{fill:\(cell)}
        svg.chart .dot{stroke:\(paper)}
        """
            + series.enumerated().map { number, colour in
                "\nsvg.chart .series.c\(number){stroke:\(colour)}svg.chart .dot.c\(number),svg.chart .band.c\(number),svg.chart .bar.c\(number){fill:\(colour)}"
            }.joined()
    }
}
