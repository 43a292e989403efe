import ApusIR
import ApusLayers

extension TracedStep {
    /// The names of the weights that ranks hold as bf16 where matmuls are of bf16 and the optimizer's state is divided
    /// among so many: each rank keeps its own part of such a weight in f32, among that state, and the whole as matmuls
    /// read it.
    func weightsHeldAsBFloat16(in graph: Graph, stateOwners: Int) -> Set<String> {
        guard stateOwners > 1, !optimizer.keepsAverages else { return [] }
        let names = graph.weightsOfMatmulsAlone
        return Set(
            graph.parameters.map(\.operation).filter {
                names.contains($0.name) && StateDivision.partCount(of: $0.type.shape, ranks: stateOwners) != nil
            }.map(\.name))
    }
}

extension Graph {
    /// The names of the trainable parameters of f32 that matmuls alone read, directly or through views: as bf16 they
    /// are what bf16 matmuls round them to.
    fileprivate var weightsOfMatmulsAlone: Set<String> {
        var users = [[Value]](repeating: [], count: nodes.count)
        for value in values { for operand in self[value].operands { users[operand.index].append(value) } }
        func isReadByMatmulsAlone(_ value: Value) -> Bool {
            users[value.index].allSatisfy { user in
                self[user].operation is Dot || self[user].operation.kind.isView && isReadByMatmulsAlone(user)
            }
        }
        let results = Set(results.map(\.value))
        return Set(
            parameters.filter { parameter in
                parameter.operation.trainable && parameter.operation.type.element == .f32
                    && !users[parameter.value.index].isEmpty && !results.contains(parameter.value)
                    && isReadByMatmulsAlone(parameter.value)
            }.map(\.operation.name))
    }

    /// The graph with some parameters of f32 held as bf16: they are widened where they are read, and rounded where they
    /// are updated.
    func holdingAsBFloat16(_ names: Set<String>) throws(GraphErrors) -> Graph {
        guard !names.isEmpty else { return self }
        let builder = GraphBuilder(name: name)
        var mapped: [Tensor] = [], held: [Value: Tensor] = [:]
        for value in values {
            let node = self[value]
            builder.location = node.location
            if var parameter = node.operation as? Parameter, names.contains(parameter.name) {
                parameter.type = parameter.type.with(.bf16)
                let narrow = builder.parameter(parameter)
                held[value] = narrow
                mapped.append(narrow.cast(.f32))
            } else {
                let operands = node.operands.map { mapped[$0.index].value }
                mapped.append(builder.append(Node(node.operation, operands, node.type, location: node.location)))
            }
        }
        for result in results {
            let content = mapped[result.value.index]
            switch result.kind {
            case .output(let name): builder.output(name, content)
            case .update(let parameter):
                if let narrow = held[parameter] {
                    builder.update(narrow, with: content.cast(.bf16))
                } else {
                    builder.update(mapped[parameter.index], with: content)
                }
            }
        }
        return try builder.finish()
    }
}
