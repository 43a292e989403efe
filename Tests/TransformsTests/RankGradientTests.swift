import ApusIR
import ApusTestSupport
import ApusTransforms
import Testing

/// Sums over ranks: what the interpreter makes of graphs side by side, and their gradients.
struct RankGradientTests {
    private static let ranks = 3

    /// Each rank's loss is a function of the sum and of its own operand.
    private static func graph() throws -> (graph: Graph, loss: Value, x: Value) {
        let builder = GraphBuilder(name: "ranks")
        let x = builder.input(Input("x", TensorType(.f32, [4])))
        let total = allReduce(x * x)
        let loss = sum(exp(total * 0.1) * x, axes: [0])
        builder.output("loss", loss)
        builder.output("total", total)
        return (try builder.finish(), loss.value, x.value)
    }

    private static func bindings() -> [Interpreter.Bindings] {
        (0..<ranks).map { rank in
            let values = (0..<4).map { Double($0 * 7 % 5 + rank) / 4 - 0.8 }
            return Interpreter.Bindings(inputs: ["x": HostTensor(TensorType(.f32, [4]), values)])
        }
    }

    @Test func everyRankHasTheSum() throws {
        let bindings = Self.bindings(), outcomes = try Interpreter().run(Self.graph().graph, ranks: bindings)
        for outcome in outcomes {
            for index in 0..<4 {
                let expected = bindings.reduce(0) { sum, rank in
                    sum + rank.inputs["x"]!.values[index] * rank.inputs["x"]!.values[index]
                }
                #expect(abs(outcome.outputs["total"]!.values[index] - expected) < 1e-12)
            }
        }
        #expect(outcomes[0].outputs["loss"] != outcomes[1].outputs["loss"])
    }

    /// The gradient of a rank's operand is that of the sum of all losses, by differences of it.
    @Test func gradientIsOfTheSumOfLosses() throws {
        let (forward, loss, x) = try Self.graph()
        var whole = try differentiate(forward, loss: loss, withRespectTo: [x])
        whole.graph.results.append(GraphResult(.output(name: "gradient"), try #require(whole.gradients[0])))
        let bindings = Self.bindings(), outcomes = try Interpreter().run(whole.graph, ranks: bindings)
        func total(_ bindings: [Interpreter.Bindings]) throws -> Double {
            try Interpreter().run(forward, ranks: bindings).reduce(0) { $0 + $1.outputs["loss"]!.values[0] }
        }
        let step = 1e-6
        for rank in 0..<Self.ranks {
            for index in 0..<4 {
                var (up, down) = (bindings, bindings)
                up[rank].inputs["x"]!.values[index] += step
                down[rank].inputs["x"]!.values[index] -= step
                let expected = (try total(up) - total(down)) / (2 * step)
                let found = outcomes[rank].outputs["gradient"]!.values[index]
                #expect(abs(found - expected) < 1e-6 * (1 + abs(expected)), "element \(index) of rank \(rank)")
            }
        }
    }
}
