import ApusReport
import Foundation
import Testing

@Suite struct PageTests {
    private let page = Page(
        title: "A & B", lead: "<two> runs",
        sections: [
            Page.Section(
                "Results",
                [
                    .paragraph("1 < 2"), .note("a note"), .list(["x"]), .heading("More"),
                    .table(
                        Table(
                            "Numbers & names", columns: [.init("run"), .number("accuracy")],
                            rows: [["a<b", "1"], ["c", ""]])),
                ]),
            Page.Section(
                "Results",
                [
                    .details(
                        "Settings",
                        [
                            .figures([
                                .init(
                                    MatrixChart(name: "m", title: "M", counts: [[1]], classes: ["a"]).figure, "caption")
                            ])
                        ]),
                    .figures([
                        .init(
                            MatrixChart(
                                name: "wide", title: "W",
                                counts: Array(repeating: Array(repeating: 0, count: 14), count: 14),
                                classes: (0..<14).map { "class \($0)" }
                            ).figure)
                    ]),
                ]),
        ])

    @Test func everythingIsEscapedAndNothingComesFromElsewhere() {
        let html = page.html
        #expect(
            html.contains("<title>A &amp; B</title>") && html.contains("&lt;two&gt; runs") && html.contains("a&lt;b"))
        for outside in ["http:", "https:", "<script", "<link", "@import", "url("] {
            #expect(!html.contains(outside), "\(outside)")
        }
    }

    @Test func anchorsAreUnique() {
        #expect(page.html.contains("<a href=\"#results\">") && page.html.contains("<section id=\"results\">"))
        #expect(page.html.contains("<a href=\"#results-2\">") && page.html.contains("<section id=\"results-2\">"))
    }

    @Test func tablesNameTheirRowsAndScrollByThemselves() {
        let html = page.html
        #expect(
            html.contains("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Numbers &amp; names\">"))
        #expect(html.contains("<th scope=\"row\">a&lt;b</th><td class=\"number\">1</td>"))
        #expect(html.contains("<th scope=\"row\">c</th><td class=\"number\">–</td>"))
    }

    @Test func figuresAreFoundWhereverTheyStand() {
        #expect(page.figures.map(\.name) == ["m", "wide"])
        // More classes than fit a phone make a figure that scrolls in its own box.
        #expect(page.html.components(separatedBy: "<figure class=\"wide\"").count == 2)
    }
}
