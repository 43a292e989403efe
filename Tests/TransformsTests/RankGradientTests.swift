import ApusIR
import ApusTestSupport
import ApusTransforms
import Testing

/// Sums over ranks: what the interpreter makes of graphs side by side, and their gradients.
struct RankGradientTests {
    private static let ranks = 3

    /// What the losses of ranks depend on beside their own operand.
    enum Meeting: CaseIterable { case sum, normalisation, parts }

    /// Each rank's loss is a function of the sum and of its own operand; of numbers that are normalised by those of
    /// all; or of its part of a sum, and of the parts that others have.
    private static func graph(_ meeting: Meeting = .sum) throws -> (graph: Graph, loss: Value, x: Value) {
        let builder = GraphBuilder(name: "ranks")
        builder.ranks = ranks
        let x = builder.input(Input("x", TensorType(.f32, [4])))
        let total = allReduce(x * x)
        let factors = builder.add(Constant(TensorType(.f32, [2]), values: [0.7, -1.3]), [])
        let normal = batchNormalization(x.reshape([2, 2]), weight: factors, bias: factors, epsilon: 0.1)
        let own = normal.reshape([4])
        let part = reduceScatter((x * x).padded(low: [1], high: [1]).reshape([ranks, 2]))
        let all = allGather(part * part, ranks: ranks).reshape([2 * ranks]).slice(1..<5, axis: 0)
        let factor =
            switch meeting {
            case .sum: exp(total * 0.1)
            case .normalisation: exp(own * own * 0.3)
            case .parts: exp(all * 0.2)
            }
        let loss = sum(factor * x, axes: [0])
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
    @Test(arguments: Meeting.allCases)
    func gradientIsOfTheSumOfLosses(meeting: Meeting) throws {
        let (forward, loss, x) = try Self.graph(meeting)
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

    /// A rank gets its part of the sum, and all get the parts of all.
    @Test func partsOfSums() throws {
        let builder = GraphBuilder(name: "ranks"), x = builder.input(Input("x", TensorType(.f32, [3, 2])))
        builder.output("part", reduceScatter(x))
        builder.output("all", allGather(x.slice(0..<1, axis: 0).reshape([2]), ranks: 3))
        let graph = try builder.finish()
        let outcomes = try Interpreter().run(
            graph,
            ranks: (0..<3).map { rank in
                let values = (0..<6).map { Double($0 + 10 * rank) }
                return Interpreter.Bindings(inputs: ["x": HostTensor(TensorType(.f32, [3, 2]), values)])
            })
        #expect(outcomes.map { $0.outputs["part"]?.values } == [[30, 33], [36, 39], [42, 45]])
        for outcome in outcomes { #expect(outcome.outputs["all"]?.values == [0, 1, 10, 11, 20, 21]) }
        #expect(try Graph(parsing: graph.text(), file: "ranks.graph") == graph)
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
