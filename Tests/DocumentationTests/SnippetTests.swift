import Foundation
import Testing

/// Every block of Swift on a page is code that is compiled and run: a marked part of a file in Snippets, word for word,
/// or a whole file.
@Suite struct SnippetTests {
    /// Files that a page shows from beginning to end; of `Sources`, without their imports.
    static let wholeFiles = [
        "README.md": ["Tests/Consumer/Sources/First/main.swift"],
        "GettingStarted.md": ["Package.swift"]
            + ["First/main", "Spirals/Classifier", "Spirals/Points", "Train/main", "Predict/main"].map {
                "Sources/\($0).swift"
            },
        "Docs/AddAnOperation.md": ["Sources/IR/Operations/Elementwise/Sin.swift"],
    ]

    /// Pages, and files whose comments have blocks of Swift.
    static func pages() throws -> [String] {
        func names(_ folder: String, _ ending: String) throws -> [String] {
            try FileManager.default.subpathsOfDirectory(atPath: packageFolder.appending(path: folder).path)
                .filter { $0.hasSuffix(ending) }.map { "\(folder)/\($0)" }
        }
        let articles = try names("Sources/Apus/Apus.docc", ".md").compactMap { $0.split(separator: "/").last }
        return try ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"] + articles.map(String.init) + names("Docs", ".md")
            + (names("Sources", ".swift") + names("Codegen", ".swift")).filter { try !Page($0).blocks("swift").isEmpty }
    }

    private func wholeFiles(of page: String) throws -> [String] {
        try (Self.wholeFiles[page] ?? []).map { path in
            let place = page == "GettingStarted.md" ? "Tests/Consumer/\(path)" : path
            let text = try String(contentsOf: packageFolder.appending(path: place), encoding: .utf8)
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            let isSource = place.hasPrefix("Sources/")
            return lines.drop { isSource && ($0.isEmpty || $0.hasPrefix("import ")) }.joined(separator: "\n")
                .trimmingCharacters(in: .newlines)
        }
    }

    @Test(arguments: try pages())
    func blocksAreCodeThatRuns(_ page: String) throws {
        let shown = try ShownCode.all(in: "Tests/DocumentationTests/Snippets").filter { $0.page == page }.map(\.text)
        let compiled = try shown + wholeFiles(of: page), blocks = try Page(page).blocks("swift")
        for block in blocks { #expect(compiled.contains(block), "\(page) shows code that is not compiled:\n\(block)") }
        for code in compiled { #expect(blocks.contains(code), "\(page) does not show:\n\(code)") }
    }

    @Test func firstOfTheReadme() throws {
        let first = try Page("README.md").blocks("swift").first
        #expect(try first == wholeFiles(of: "README.md").first)
    }

    @Test(arguments: try pages().filter { $0.hasSuffix(".md") })
    func linksLeadToFiles(_ page: String) throws {
        let page = try Page(page)
        let folder = packageFolder.appending(path: page.path).deletingLastPathComponent()
        for link in page.linkedFiles {
            #expect(FileManager.default.fileExists(atPath: folder.appending(path: link).path), "\(page.path): \(link)")
        }
    }
}
