import ApusIR
import ApusTestSupport
import Foundation
import Testing

/// Texts that are no graphs, with the mistakes that comments `// error: …` state, each on its line.
///
/// A mistake of a result has no line of its own; it stands at the line of the graph's name.
@Suite struct VerifierTests {
    @Test(arguments: CaseFile.all(in: "Errors"))
    func findsTheStatedErrors(_ url: URL) throws {
        let text = try String(contentsOf: url, encoding: .utf8)
        let stated = statedErrors(text)
        #expect(!stated.isEmpty, "\(url.lastPathComponent) states no error")
        let errors = try #require(throws: GraphErrors.self) { try Graph(parsing: text) }
        #expect(foundErrors(errors, in: text) == stated, "\(url.lastPathComponent)")
    }

    /// What the text form cannot express.
    @Test func structure() {
        let type = TensorType(.f32, [2])
        let graph = Graph(
            name: "bad",
            nodes: [
                Node(Exp(), [Value(1)], type), Node(Input("x", type), [], type), Node(Exp(), [Value(2)], type),
                Node(Exp(), [Value(-1)], type),
            ],
            results: [GraphResult(.output(name: "y"), Value(9)), GraphResult(.update(parameter: Value(7)), Value(1))])
        let error = #expect(throws: GraphErrors.self) { try graph.verify() }
        #expect(
            error?.errors.map(\.description) == [
                "exp: %0 uses a value that is not defined above it",
                "exp: %2 uses a value that is not defined above it",
                "exp: %3 uses a value that is not defined above it",
                "the result %9 is not defined",
                "%7 is updated but is not a parameter",
            ])
        #expect(error?.errors.allSatisfy { $0.code == .structure } == true)
    }

    /// Types that no machine can hold must not trap the rules behind them.
    @Test func typesWithoutSize() {
        let endless = TensorType(.f32, [1 << 40, 1 << 40]), negative = TensorType(.f32, [-3])
        for type in [endless, negative] {
            let graph = Graph(
                name: "bad",
                nodes: [
                    Node(Input("x", type), [], type),
                    Node(Reshape([1]), [Value(0)], TensorType(.f32, [1])),
                    Node(Concatenate(axis: 0), [Value(0), Value(0)], type),
                ])
            let error = #expect(throws: GraphErrors.self) { try graph.verify() }
            #expect(error?.errors.first?.message == "%0 has the type \(type), which holds no elements or too many")
        }
    }
}
