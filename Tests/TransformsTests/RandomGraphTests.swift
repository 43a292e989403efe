import ApusIR
import ApusTestSupport
import ApusTransforms
import Testing

@Suite struct RandomGraphTests {
    @Test func graphsFollowFromTheirSeed() throws {
        #expect(try RandomGraph(seed: 7).graph == RandomGraph(seed: 7).graph)
        #expect(try RandomGraph(seed: 7).graph != RandomGraph(seed: 8).graph)
        let graph = try RandomGraph(seed: 7).graph
        #expect(randomInputs(for: graph, seed: 1) == randomInputs(for: graph, seed: 1))
        #expect(randomInputs(for: graph, seed: 1) != randomInputs(for: graph, seed: 2))
    }

    @Test func everyOperationOccurs() throws {
        var seen: Set<String> = []
        for seed in 0..<400 as Range<UInt64> {
            for node in try RandomGraph(seed: seed).graph.nodes { seen.insert(node.operation.name) }
        }
        let missing = Set(OperationRegistry.all.map { $0.name }).subtracting(seen)
        // Copies and orders of time come from the compiler alone; tests of sums over ranks put these in.
        #expect(
            missing.subtracting(["copy"]) == [
                "parameter", "optimization_barrier", "all_reduce", "reduce_scatter", "all_gather",
            ])
    }

    /// Each family alone makes graphs too, with and without parameters and gradients.
    @Test(arguments: Family.allCases)
    func everyFamilyGrows(_ family: Family) throws {
        for seed in 0..<24 as Range<UInt64> {
            var configuration = RandomGraph.Configuration(steps: 6, gradients: seed % 2 == 0)
            configuration.families = [family]
            configuration.hasParameters = seed % 4 < 2
            let graph = try RandomGraph(seed: seed, configuration).graph
            try graph.verify()
            #expect(try Graph(parsing: graph.text()) == graph, "seed \(seed)")
        }
    }

    /// The numbers of an input do not depend on what other inputs there are.
    @Test func inputsKeepTheirNumbers() throws {
        let type = TensorType(.f32, [3])
        func numbers(_ names: String...) throws -> HostTensor? {
            let builder = GraphBuilder(name: "g")
            for name in names { builder.output(name, builder.input(Input(name, type)) + 1) }
            return randomInputs(for: try builder.finish(), seed: 5)["x"]
        }
        #expect(try numbers("x") == numbers("w", "x", "y"))
    }

    /// bf16 holds multiples of 1/64 in ±2, and not all of those of 1/4096.
    @Test func denominatorsDecideWhatBFloat16Holds() {
        var random = SeededGenerator(seed: 1)
        for (denominator, isExact) in [(64, true), (4096, false)] {
            let numbers = randomTensor(TensorType(.f32, [500]), &random, denominator: denominator).values
            #expect(numbers.allSatisfy { ElementType.bf16.rounded($0) == $0 } == isExact)
            #expect(numbers.allSatisfy { ElementType.f32.rounded($0) == $0 && abs($0) <= 2 })
        }
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func verifiesRoundTripsAndRuns(seed: UInt64) throws {
        let graph = try RandomGraph(seed: seed).graph
        try graph.verify()
        let text = graph.text()
        let parsed = try Graph(parsing: text)
        #expect(parsed == graph, "seed \(seed)")
        #expect(parsed.text() == text, "seed \(seed)")
        let outcome = try Interpreter().run(graph, inputs: randomInputs(for: graph, seed: seed))
        #expect(outcome.outputs.count == graph.results.count)
        for (name, tensor) in outcome.outputs {
            #expect(tensor.values.allSatisfy { $0.isFinite && abs($0) < 1e4 }, "seed \(seed), result \(name)")
        }
    }

    /// Rounding to f32 after each node moves no result far: kernels in f32 can be compared with the interpreter.
    @Test(arguments: 0..<200 as Range<UInt64>)
    func roundingMovesLittle(seed: UInt64) throws {
        let graph = try RandomGraph(seed: seed).graph, inputs = randomInputs(for: graph, seed: seed)
        let precise = try Interpreter().run(graph, inputs: inputs).outputs
        let rounded = outputsRoundedToF32(of: graph, inputs: inputs)
        for (name, expected) in precise {
            let found = try #require(rounded[name])
            let scale = 1 + (expected.values.map(abs).max() ?? 0)
            let distance = zip(expected.values, found.values).map { abs($0 - $1) }.max() ?? 0
            #expect(distance <= 2e-4 * scale, "seed \(seed), result \(name), scale \(scale)")
        }
    }

    private func outputsRoundedToF32(of graph: Graph, inputs: [String: HostTensor]) -> [String: HostTensor] {
        var values: [HostTensor] = []
        for node in graph.nodes {
            if let input = node.operation as? Input, let bound = inputs[input.name] {
                values.append(bound)
                continue
            }
            var result = node.operation.evaluate(node.operands.map { values[$0.index] }, type: node.type)
            if node.type.element == .f32 { result.values = result.values.map { Double(Float($0)) } }
            values.append(result)
        }
        var outputs: [String: HostTensor] = [:]
        for case (.output(let name), let value) in graph.results.map({ ($0.kind, $0.value) }) {
            outputs[name] = values[value.index]
        }
        return outputs
    }
}
