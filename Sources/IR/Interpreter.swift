/// Runs a graph node by node in f64: slow, simple, and the meaning of the IR.
public struct Interpreter {
    /// What a run has computed.
    public struct Outcome {
        /// Results by name.
        public var outputs: [String: HostTensor] = [:]
        /// New contents of the updated parameters by name.
        public var updates: [String: HostTensor] = [:]
    }

    /// An interpreter, which keeps nothing.
    public init() {}

    /// Computes all results. Inputs and parameters are bound by name; throws if one is missing or has another type.
    public func run(_ graph: Graph, inputs: [String: HostTensor] = [:], parameters: [String: HostTensor] = [:])
        throws(GraphError) -> Outcome
    {
        var values: [HostTensor] = []
        values.reserveCapacity(graph.nodes.count)
        for node in graph.nodes {
            switch node.operation {
            case let input as Input: values.append(try bound(input.name, node.type, inputs, "input"))
            case let parameter as Parameter:
                values.append(try bound(parameter.name, node.type, parameters, "parameter"))
            default: values.append(node.operation.evaluate(node.operands.map { values[$0.index] }, type: node.type))
            }
        }
        var outcome = Outcome()
        for result in graph.results {
            switch result.kind {
            case .output(let name): outcome.outputs[name] = values[result.value.index]
            case .update(let parameter):
                if let operation = graph[parameter].operation as? Parameter {
                    outcome.updates[operation.name] = values[result.value.index]
                }
            }
        }
        return outcome
    }

    private func bound(_ name: String, _ type: TensorType, _ table: [String: HostTensor], _ kind: String)
        throws(GraphError) -> HostTensor
    {
        guard let tensor = table[name] else { throw GraphError(.name, operation: kind, "'\(name)' is not bound") }
        guard tensor.type == type else {
            throw GraphError(.shape, operation: kind, "'\(name)' is \(type), given \(tensor.type)")
        }
        return tensor
    }
}
