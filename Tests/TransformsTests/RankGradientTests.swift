import ApusIR
import ApusTestSupport
import ApusTransforms
import Testing

/// Sums over ranks: what the interpreter makes of graphs side by side, and their gradients.
struct RankGradientTests {
    private static let ranks = 3

    /// Each rank's loss is a function of the sum and of its own operand; or of numbers that are normalised by those of
    /// all.
    private static func graph(normalizes: Bool = false) throws -> (graph: Graph, loss: Value, x: Value) {
        let builder = GraphBuilder(name: "ranks")
        builder.ranks = ranks
        let x = builder.input(Input("x", TensorType(.f32, [4])))
        let total = allReduce(x * x)
        let factors = builder.add(Constant(TensorType(.f32, [2]), values: [0.7, -1.3]), [])
        let normal = batchNormalization(x.reshape([2, 2]), weight: factors, bias: factors, epsilon: 0.1)
        let own = normalizes ? normal.reshape([4]) : x
        let loss = sum((normalizes ? exp(own * own * 0.3) : exp(total * 0.1)) * x, axes: [0])
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
    @Test(arguments: [false, true])
    func gradientIsOfTheSumOfLosses(normalizes: Bool) throws {
        let (forward, loss, x) = try Self.graph(normalizes: normalizes)
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

    /// What ranks normalise together is what one normalises of the whole, and what it is made of on ranks comes to the
    /// same.
    @Test func normalisationOfAllRanks() throws {
        func normal(_ rows: Int, ranks: Int) throws -> Graph {
            let builder = GraphBuilder(name: "ranks")
            builder.ranks = ranks
            let x = builder.input(Input("x", TensorType(.f32, [rows, 2])))
            builder.output("y", batchNormalization(x, epsilon: 0.1))
            return try builder.finish()
        }
        func bindings(_ places: Range<Int>) -> Interpreter.Bindings {
            let values = places.map { Double($0 * 7 % 11) / 4 - 0.8 }
            return Interpreter.Bindings(inputs: ["x": HostTensor(TensorType(.f32, [places.count / 2, 2]), values)])
        }
        let whole = try Interpreter().run(normal(6, ranks: 1), ranks: [bindings(0..<12)])[0].outputs["y"]!.values
        let graph = try normal(2, ranks: 3)
        #expect(try Graph(parsing: graph.text(), file: "ranks.graph") == graph)
        for graph in [graph, try Pass.decompose.run(graph)] {
            let parts = try Interpreter().run(graph, ranks: (0..<3).map { bindings($0 * 4..<$0 * 4 + 4) })
            let found = parts.flatMap { $0.outputs["y"]!.values }
            #expect(zip(found, whole).allSatisfy { abs($0 - $1) < 1e-12 })
        }
    }
}
