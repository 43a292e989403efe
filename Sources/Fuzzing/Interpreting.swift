import ApusIR

/// What the interpreter makes of a graph: outputs by name, and new contents of parameters under `update NAME`.
func interpreted(
    _ graph: Graph, inputs: [String: HostTensor], parameters: [String: HostTensor]
) throws(GraphError) -> [String: HostTensor] {
    let outcome = try Interpreter().run(graph, inputs: inputs, parameters: parameters)
    var results = outcome.outputs
    for (name, value) in outcome.updates { results["update \(name)"] = value }
    return results
}

/// Names of the parameters that a graph updates.
func updatedParameters(of graph: Graph) -> [String] {
    graph.results.compactMap { result in
        guard case .update(let parameter) = result.kind else { return nil }
        return (graph[parameter].operation as? Parameter)?.name
    }
}

/// Runs a graph as the interpreter does, but with numbers that f32 holds, each off by some last digits, and with
/// operands of matmuls in bf16 if asked for: what correct kernels may make of it.
///
/// Numbers that f32 holds exactly stay as they are. So decisions about exact numbers stay the same, and where they
/// depend on rounding, results show it.
struct RoundedInterpreter {
    var seed: UInt64
    var roundsOperands: Bool

    /// Units in the last place by which a number may be off, in each direction.
    private static let noise = 2.0

    func run(
        _ graph: Graph, inputs: [String: HostTensor], parameters: [String: HostTensor]
    ) throws(WrongResult) -> [String: HostTensor] {
        var random = SeededGenerator(seed: seed), values: [HostTensor] = []
        for node in graph.nodes {
            let bound: HostTensor?
            switch node.operation {
            case let input as Input: bound = inputs[input.name]
            case let parameter as Parameter: bound = parameters[parameter.name]
            default: bound = rounded(node, node.operands.map { values[$0.index] }, &random)
            }
            guard let bound else { throw WrongResult("a leaf of the graph has no numbers") }
            values.append(bound)
        }
        var results: [String: HostTensor] = [:]
        for result in graph.results {
            switch result.kind {
            case .output(let name): results[name] = values[result.value.index]
            case .update(let parameter):
                if let operation = graph[parameter].operation as? Parameter {
                    results["update \(operation.name)"] = values[result.value.index]
                }
            }
        }
        return results
    }

    private func rounded(_ node: Node, _ operands: [HostTensor], _ random: inout SeededGenerator) -> HostTensor {
        var operands = operands
        if roundsOperands, node.operation is Dot {
            for index in operands.indices {
                operands[index].values = operands[index].values.map(ElementType.bf16.rounded)
            }
        }
        var result = node.operation.evaluate(operands, type: node.type)
        guard node.type.element == .f32 else { return result }
        for index in result.values.indices {
            let value = result.values[index], nearest = Float(value)
            guard nearest.isFinite, Double(nearest) != value else { continue }
            let unit = Double(nearest.magnitude.ulp)
            result.values[index] = Double(Float(value + unit * random.number(-Self.noise...Self.noise)))
        }
        return result
    }
}
