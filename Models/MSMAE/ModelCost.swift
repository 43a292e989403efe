import Apus

/// What a forward pass costs, counted in its graph.
public struct ModelCost: Hashable, Sendable {
    /// Multiply-adds of matmuls with a weight.
    public var linear = 0
    /// Multiply-adds of matmuls of attention: queries with keys, and probabilities with values.
    public var attention = 0
    /// Numbers in trainable weights.
    public var trainableWeights = 0

    /// Multiply-adds of all matmuls.
    public var total: Int { linear + attention }

    /// Counts the matmuls and the weights of a graph without its backward pass.
    public init(of graph: Graph) {
        for node in graph.nodes {
            switch node.operation {
            case let parameter as Parameter where parameter.trainable: trainableWeights += parameter.type.count
            case let dot as Dot:
                let operands = node.operands.map { graph[$0] }
                let multiplyAdds = dot.floatingPointOperations(operands[0].type, operands[1].type) / 2
                if operands.contains(where: { $0.operation is Parameter }) {
                    linear += multiplyAdds
                } else {
                    attention += multiplyAdds
                }
            default: break
            }
        }
    }
}
