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

    /// What the inputs and parameters of a graph are, by name.
    public struct Bindings {
        /// The numbers of the inputs.
        public var inputs: [String: HostTensor]
        /// The content of the parameters.
        public var parameters: [String: HostTensor]

        /// Inputs and parameters by name.
        public init(inputs: [String: HostTensor] = [:], parameters: [String: HostTensor] = [:]) {
            (self.inputs, self.parameters) = (inputs, parameters)
        }
    }

    /// Computes all results. Inputs and parameters are bound by name; throws if one is missing or has another type.
    public func run(_ graph: Graph, inputs: [String: HostTensor] = [:], parameters: [String: HostTensor] = [:])
        throws(GraphError) -> Outcome
    {
        try run(graph, ranks: [Bindings(inputs: inputs, parameters: parameters)])[0]
    }

    /// Computes all results of several graphs side by side, of which each rank has its own inputs and parameters: they
    /// are the same graph, and meet in its ``AllReduce`` operations and in batch normalisations of all ranks. Throws as
    /// a run of one does.
    public func run(_ graph: Graph, ranks: [Bindings]) throws(GraphError) -> [Outcome] {
        var values = [[HostTensor]](repeating: [], count: ranks.count)
        for node in graph.nodes {
            let operands = values.map { values in node.operands.map { values[$0.index] } }
            let met = (node.operation as? any RankOperation)?.evaluate(ranks: operands, type: node.type)
            for (rank, bindings) in ranks.enumerated() {
                if let met {
                    values[rank].append(met[rank])
                } else {
                    values[rank].append(try value(of: node, operands[rank], bindings))
                }
            }
        }
        return values.map { outcome(graph, $0) }
    }

    private func value(of node: Node, _ operands: [HostTensor], _ bindings: Bindings) throws(GraphError) -> HostTensor {
        switch node.operation {
        case let input as Input: try bound(input.name, node.type, bindings.inputs, "input")
        case let parameter as Parameter: try bound(parameter.name, node.type, bindings.parameters, "parameter")
        default: node.operation.evaluate(operands, type: node.type)
        }
    }

    private func outcome(_ graph: Graph, _ values: [HostTensor]) -> Outcome {
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
