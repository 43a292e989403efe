import ApusCodegen
import ApusIR
import ApusLLVM
import ApusTestSupport
import ApusTransforms
import Foundation
import Testing

/// Graph files for what happens behind the graph: `// test: <passes>, <stage>`, a graph, `// expect:` and the stage's
/// text. The passes run first, in their order; the stage `legal` is the graph that is scheduled.
///
/// With APUS_BLESS=1 in the environment the expected part is written anew.
@Suite struct StageFileTests {
    static let files = CaseFile.all(in: "Cases")
    private static let tuning = Result { Tuning(try .host()) }
    private static let passes: [Pass] = [.decompose, .simplify, .deadCode]
    private static let stages: [CompilationStage] = [.legal, .placement, .clusters, .layout, .schedule, .kernels]

    private func text(_ file: CaseFile) throws -> String {
        var graph = try Graph(parsing: file.before)
        let tuning = try Self.tuning.get(), passes = Self.passes + [.legalize(tuning)]
        for name in file.names.dropLast() {
            let pass = try #require(passes.first { $0.name == name }, "unknown pass '\(name)'")
            graph = try Pipeline([pass]).run(graph)
        }
        let last = try #require(file.names.last)
        if last == "legalize" { return try Pipeline([.legalize(tuning)]).run(graph).text() }
        let stage = try #require(Self.stages.first { $0.rawValue == last }, "unknown stage '\(last)'")
        // Locations are lines of the file, which say nothing here.
        for place in graph.nodes.indices { graph.nodes[place].location = nil }
        return try Schedule(Pass.copyOperands(tuning).run(graph), tuning).text(at: stage)
    }

    @Test func everyStageHasFiles() throws {
        let tested = try Set(Self.files.compactMap { try CaseFile($0).names.last })
        #expect(tested == Set(Self.stages.map(\.rawValue) + ["legalize"]))
    }

    @Test(arguments: files)
    func givesTheExpectedText(_ url: URL) throws {
        let file = try CaseFile(url)
        let problem = try file.problem(with: text(file))
        #expect(problem == nil, "\(problem ?? "")")
    }

    /// Graphs that the back end does not offer a kernel for, with the expected message on the guilty line.
    @Test(arguments: CaseFile.all(in: "Errors"))
    func refusesWithTheStatedErrors(_ url: URL) throws {
        let text = try String(contentsOf: url, encoding: .utf8), graph = try Graph(parsing: text)
        let errors = try #require(throws: GraphErrors.self) {
            try GraphCompiler(CompilerOptions(products: .generated), cache: nil).plan(graph)
        }
        #expect(foundErrors(errors, in: text) == statedErrors(text), "\(url.lastPathComponent)")
    }
}
