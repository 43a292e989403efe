import ApusCodegen
import ApusFuzzing
import ApusIR
import Testing

struct ComparisonTests {
    private func graph(_ body: (Tensor) -> Tensor) throws -> Graph {
        let builder = GraphBuilder(name: "compared")
        builder.output("y", body(builder.input(Input("x", TensorType(.f32, [5, 7])))))
        return try builder.finish()
    }

    @Test func equalResultsAreTheSame() throws {
        #expect(Comparison().verdict(on: try graph { softmax($0 * 2) }) == .same)
    }

    /// A decision about numbers that rounding moves says nothing: a kernel may add in another order.
    @Test func decisionsByRoundingAreSensitive() throws {
        let graph = try graph { x in
            let tenth = x * 0.1
            return equal(tenth + tenth + tenth, x * 0.3).cast(.f32)
        }
        #expect(Comparison().verdict(on: graph) == .sensitive)
    }

    @Test func whatDoesNotCompileIsAFailure() throws {
        let builder = GraphBuilder(name: "wide")
        builder.output("y", builder.input(Input("x", TensorType(.f64, [3]))) + 1)
        let verdict = Comparison().verdict(on: try builder.finish())
        guard case .different(.error(let text)) = verdict else {
            Issue.record("\(verdict)")
            return
        }
        #expect(text.contains("f64 is for the interpreter; generated code computes in f32"))
    }

    @Test func failuresAreToldApartByTheirWords() {
        let one = Failure.error("dot: operand 1 of f32[3,4] cannot be read")
        #expect(one.isLike(.error("dot: operand 0 of f32[7] cannot be read")))
        #expect(!one.isLike(.error("reduce: axis 3 is out of range")))
        let result = Failure.result(
            .init(name: "y", type: TensorType(.f32, []), element: 0, found: 1, expected: 2, allowed: 0.1))
        #expect(!one.isLike(result))
        #expect(result.isLike(result))
        #expect(result.description == "'y' f32[]: element 0 is 1.0, not 2.0, and may differ by 0.1")
    }
}
