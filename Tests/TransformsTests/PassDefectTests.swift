import ApusIR
import ApusTransforms
import Testing

/// Mistakes of passes are the compiler's, never the user's.
struct PassDefectTests {
    private func graph() throws -> Graph {
        let builder = GraphBuilder(name: "model")
        builder.location = SourceLocation(file: "model.swift", line: 7)
        builder.output("y", builder.input(Input("x", TensorType(.f32, [2, 3]))) * 2)
        return try builder.finish()
    }

    /// A pass that adds tensors whose shapes do not fit.
    private let illTyped = Pass("careless") { graph in
        try rebuild(graph) { node, _, operands, builder in
            node.operation is Multiply ? builder.add(Add(), [operands[0], operands[0].transpose([1, 0])]) : nil
        }
    }

    @Test func illTypedNodesAreADefect() throws {
        for run in [illTyped.run, Pipeline([.deadCode, illTyped, .simplify]).run] as [(Graph) throws -> Graph] {
            let defect = #expect(throws: PassDefect.self) { try run(try graph()) }
            #expect(defect?.pass == "careless")
            #expect(
                defect?.description
                    == """
                    compiler defect: the graph after pass 'careless' is malformed; please report it with the model
                    model.swift:7: add: shapes [2,3] and [3,2] differ
                    """)
        }
    }

    /// What a pass does not offer stays the user's to change.
    @Test func unsupportedIsNoDefect() throws {
        let refusing = Pass("choosy") { _ in throw GraphErrors([GraphError(.unsupported, "not here")]) }
        #expect(throws: GraphErrors.self) { try refusing.run(try graph()) }
    }
}
