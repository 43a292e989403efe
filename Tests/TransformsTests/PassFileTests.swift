import ApusIR
import ApusTransforms
import Foundation
import Testing

/// Graph files: `// test: <passes>`, a graph, `// expect:` and the graph after the passes.
///
/// With APUS_BLESS=1 in the environment the expected part is written anew.
@Suite struct PassFileTests {
    static let files: [URL] = {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Cases")
        let files = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        return files.filter { $0.pathExtension == "graph" }.sorted { $0.path < $1.path }
    }()

    private struct Case {
        var header: String
        var passes: [Pass]
        var before: String
        var expected: String

        init(_ text: String) throws {
            let first = try #require(text.split(separator: "\n").first.map(String.init))
            header = first
            let names = try #require(first.wholeMatch(of: #/\/\/ test: (.+)/#)).1.split(separator: ", ").map(
                String.init)
            passes = try names.map { try #require(passesByName[$0], "unknown pass '\($0)'") }
            let parts = text.dropFirst(first.count).components(separatedBy: "// expect:\n")
            try #require(parts.count == 2, "one line '// expect:' stands between the graphs")
            (before, expected) = (parts[0].trimmingCharacters(in: .newlines) + "\n", parts[1])
        }
    }

    @Test func everyPassHasAFile() throws {
        let tested = try Set(
            Self.files.flatMap { try Case(String(contentsOf: $0, encoding: .utf8)).passes.map(\.name) })
        #expect(tested == Set(passesByName.keys))
    }

    @Test(arguments: files)
    func givesTheExpectedGraph(_ file: URL) throws {
        let test = try Case(String(contentsOf: file, encoding: .utf8))
        let graph = try Pipeline(test.passes).run(Graph(parsing: test.before))
        #expect(try Pipeline(test.passes).run(graph) == graph, "a second run changes the graph")
        if ProcessInfo.processInfo.environment["APUS_BLESS"] == "1" {
            try "\(test.header)\n\n\(test.before)\n// expect:\n\(graph.text())".write(
                to: file, atomically: true, encoding: .utf8)
        } else {
            #expect(
                graph.text() == test.expected,
                "\(file.lastPathComponent): run the tests with APUS_BLESS=1 to accept this graph, then read the difference:\n\(graph.text())"
            )
        }
    }
}
