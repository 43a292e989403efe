import ApusIR
import ApusTestSupport
import ApusTransforms
import Testing

/// A forward pass, its inputs and parameters f32 or i32, with a loss over all of its floating-point outputs.
struct ForwardPass {
    let graph: Graph

    init(_ build: (GraphBuilder) -> [Tensor]) throws {
        let builder = GraphBuilder(name: "forward")
        let outputs = build(builder)
        for (index, output) in outputs.enumerated() { builder.output("y\(index)", output) }
        var loss = builder.add(Constant(TensorType(.f32, []), splat: 0), [])
        for (index, output) in outputs.enumerated() {
            loss = loss + mean(output * builder.input(Input("weight\(index)", output.type)))
        }
        builder.output("loss", loss)
        graph = try builder.finish()
    }

    /// The graph with the gradients of the loss with respect to each floating-point input and parameter as outputs.
    private static func withGradients(_ graph: Graph) throws -> Graph {
        let loss = try #require(graph.results.first { $0.kind == .output(name: "loss") }).value
        let targets =
            (graph.inputs.map { ($0.value, $0.operation.name) } + graph.parameters.map { ($0.value, $0.operation.name) })
            .filter { graph[$0.0].type.element.isFloatingPoint }
        let differentiated = try differentiate(graph, loss: loss, withRespectTo: targets.map(\.0))
        var result = differentiated.graph
        for ((_, name), gradient) in zip(targets, differentiated.gradients) {
            if let gradient { result.results.append(GraphResult(.output(name: "gradient.\(name)"), gradient)) }
        }
        return result
    }

    /// Checks that passes change neither outputs nor gradients, that a second run changes nothing, and that they do
    /// `rewrites` rewrites.
    @discardableResult
    func expectSame(
        after passes: [Pass], rewrites expected: Int?, seed: UInt64,
        sourceLocation: Testing.SourceLocation = #_sourceLocation
    ) throws -> Graph {
        var rewrites: [Rewrite] = []
        let rewritten = try Pipeline(passes).run(graph, recording: &rewrites)
        if let expected {
            #expect(
                rewrites.count == expected, "\(rewrites.map(\.note)), seed \(seed)\n\(graph.text())",
                sourceLocation: sourceLocation)
        }
        #expect(
            try Pipeline(passes).run(rewritten) == rewritten, "a second run changes the graph, seed \(seed)",
            sourceLocation: sourceLocation)
        let inputs = randomInputs(for: graph, seed: seed), parameters = randomParameters(for: graph, seed: seed)
        let old = try Interpreter().run(Self.withGradients(graph), inputs: inputs, parameters: parameters).outputs
        let new = try Interpreter().run(Self.withGradients(rewritten), inputs: inputs, parameters: parameters).outputs
        for (name, expected) in old {
            // What the loss does not depend on any more, it never depended on really.
            let found = try #require(
                new[name] ?? (name.hasPrefix("gradient.") ? HostTensor(expected.type) : nil),
                sourceLocation: sourceLocation)
            let scale = 1 + (expected.values.map { Swift.abs($0) }.max() ?? 0)
            let isNear =
                found.type == expected.type
                && zip(found.values, expected.values).allSatisfy { Swift.abs($0 - $1) <= 1e-10 * scale }
            #expect(
                isNear, "\(name), seed \(seed)\n\(graph.text())\n\(rewritten.text())", sourceLocation: sourceLocation)
        }
        return rewritten
    }
}

extension GraphBuilder {
    func f32(_ name: String, _ shape: [Int]) -> Tensor { input(Input(name, TensorType(.f32, shape))) }
    func weight(_ name: String, _ shape: [Int]) -> Tensor {
        parameter(Parameter(name, TensorType(.f32, shape), .zeros))
    }
}
