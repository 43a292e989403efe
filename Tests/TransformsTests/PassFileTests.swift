import ApusIR
import ApusTestSupport
import ApusTransforms
import Foundation
import Testing

/// Graph files: `// test: <passes>`, a graph, `// expect:` and the graph after the passes.
///
/// With APUS_BLESS=1 in the environment the expected part is written anew.
@Suite struct PassFileTests {
    static let files = CaseFile.all(in: "Cases")

    private func passes(_ file: CaseFile) throws -> [Pass] {
        try file.names.map { try #require(passesByName[$0], "unknown pass '\($0)'") }
    }

    @Test func everyPassHasAFile() throws {
        let tested = try Set(Self.files.flatMap { try passes(CaseFile($0)).map(\.name) })
        #expect(tested == Set(passesByName.keys))
    }

    @Test(arguments: files)
    func givesTheExpectedGraph(_ url: URL) throws {
        let file = try CaseFile(url), passes = try passes(file)
        let graph = try Pipeline(passes).run(Graph(parsing: file.before))
        #expect(try Pipeline(passes).run(graph) == graph, "a second run changes the graph")
        let problem = try file.problem(with: graph.text())
        #expect(problem == nil, "\(problem ?? "")")
    }
}
