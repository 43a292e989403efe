import ApusFuzzing
import ApusIR
import ApusTransforms
import Testing

struct ReducerTests {
    private static let f32 = TensorType(.f32, [4, 6])

    /// Whether a graph has an operation of this name.
    private func has(_ name: String) -> (Graph) -> Bool {
        { graph in graph.nodes.contains { $0.operation.name == name } }
    }

    @Test func onlyWhatMattersIsLeft() throws {
        let builder = GraphBuilder(name: "reduced")
        let x = builder.input(Input("x", Self.f32)), y = builder.input(Input("y", Self.f32))
        let weight = builder.parameter(Parameter("w", Self.f32, .zeros))
        builder.output("first", exp(x + y))
        builder.output("second", argsort(tanh(x * y)).cast(.f32) + 1)
        builder.output("third", sum(y, axes: [0]))
        builder.update(weight, with: weight - x * 0.5)
        let reduced = Reducer(isInteresting: has("argsort")).reduced(try builder.finish())
        #expect(
            reduced.text() == """
                graph @reduced {
                  %0 = input {name = "leaf_0"} : f32[1,1]
                  %1 = argsort %0 : i32[1,1]
                  return "y" %1
                }

                """)
    }

    @Test func anUpdateKeepsItsParameter() throws {
        let builder = GraphBuilder(name: "update")
        let x = builder.input(Input("x", Self.f32)), weight = builder.parameter(Parameter("w", Self.f32, .zeros))
        builder.output("y", exp(x))
        builder.update(weight, with: weight * 0.5 + tanh(x))
        let reduced = Reducer { graph in
            graph.results.contains { if case .update = $0.kind { true } else { false } }
        }.reduced(try builder.finish())
        #expect(
            reduced.text() == """
                graph @update {
                  %0 = parameter {name = "w", init = "constant(0.0)", trainable = true} : f32[1,1]
                  %1 = input {name = "leaf_0"} : f32[1,1]
                  update %0 %1
                }

                """)
    }

    @Test(arguments: 0..<40 as Range<UInt64>)
    func randomGraphsBecomeSmall(seed: UInt64) throws {
        // What no result needs would go, whatever it is.
        let graph = try Pass.deadCode.run(RandomGraph(seed: seed).graph)
        for name in Set(graph.nodes.map(\.operation.name)).sorted().prefix(4) {
            let reduced = Reducer(isInteresting: has(name)).reduced(graph)
            #expect(has(name)(reduced))
            #expect(reduced.nodes.count { !$0.operands.isEmpty } <= 1, "seed \(seed), \(name)\n\(reduced)")
            #expect(try Graph(parsing: reduced.text()) == reduced)
        }
    }

    @Test func whatCannotShrinkStays() throws {
        let graph = try RandomGraph(seed: 3).graph
        #expect(Reducer { $0 == graph }.reduced(graph) == graph)
    }

    @Test func triesAreCounted() throws {
        var tries = 0
        let graph = try RandomGraph(seed: 5).graph
        _ = Reducer(limit: 7) { _ in
            tries += 1
            return false
        }.reduced(graph)
        #expect(tries == 7)
    }
}
