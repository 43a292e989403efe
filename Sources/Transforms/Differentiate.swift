import ApusIR

/// A graph together with the gradients of a scalar with respect to some of its values.
public struct Differentiated {
    /// The graph with the gradients appended; earlier values keep their handles.
    public var graph: Graph
    /// For each value that was asked for, the value of its gradient; nil if the scalar does not depend on it.
    public var gradients: [Value?]
}

/// Reverse-mode differentiation: appends to the graph the gradients of `loss` with respect to `targets`.
///
/// Values keep their handles. Composites without a gradient of their own must have been decomposed.
/// Throws if the loss is not a scalar of floating point, or if an operation on the way has no gradient rule.
public func differentiate(_ graph: Graph, loss: Value, withRespectTo targets: [Value]) throws(GraphErrors)
    -> Differentiated
{
    let type = graph[loss].type
    guard type.rank == 0, type.element.isFloatingPoint else {
        throw GraphErrors([
            GraphError(
                .shape, "the loss is \(type); only a floating-point scalar can be differentiated",
                location: graph[loss].location)
        ])
    }
    let dependent = dependents(of: targets, in: graph), wanted = Set(targets)
    let builder = GraphBuilder(extending: graph)
    var contributions: [Int: [Tensor]] = [:]
    contributions[loss.index] = [builder.add(Constant(type, splat: 1), [])]
    var gradients: [Int: Tensor] = [:]

    for index in stride(from: loss.index, through: 0, by: -1) where dependent[index] {
        guard let parts = contributions.removeValue(forKey: index) else { continue }
        let node = graph.nodes[index]
        builder.location = node.location
        let seed = total(parts)
        gradients[index] = seed
        if wanted.contains(Value(index)), node.operands.isEmpty { continue }
        for (operand, part) in zip(node.operands, try operandGradients(of: node, at: Value(index), seed: seed, builder))
        {
            guard let part, dependent[operand.index] else { continue }
            contributions[operand.index, default: []].append(part)
        }
    }
    return Differentiated(graph: try builder.finish(), gradients: targets.map { gradients[$0.index]?.value })
}

private func operandGradients(of node: Node, at value: Value, seed: Tensor, _ builder: GraphBuilder) throws(GraphErrors)
    -> [Tensor?]
{
    switch node.operation {
    case let operation as any DifferentiableOperation:
        return operation.gradient(
            GradientContext(operands: node.operands.map(builder.tensor), result: builder.tensor(value), seed: seed))
    case is any NonDifferentiableOperation:
        return node.operands.map { _ in nil }
    default:
        throw GraphErrors([
            GraphError(
                .unsupported, operation: node.operation.name, "has no gradient; decompose it first",
                location: node.location)
        ])
    }
}

/// Which nodes depend on one of the targets through floating-point values.
private func dependents(of targets: [Value], in graph: Graph) -> [Bool] {
    var dependent = [Bool](repeating: false, count: graph.nodes.count)
    for target in targets { dependent[target.index] = true }
    for (index, node) in graph.nodes.enumerated() where !dependent[index] && node.type.element.isFloatingPoint {
        dependent[index] =
            !(node.operation is any NonDifferentiableOperation) && node.operands.contains { dependent[$0.index] }
    }
    return dependent
}

/// The sum of the contributions to one gradient. Slices that tile a tensor leave pads, whose sum is a concatenation.
private func total(_ parts: [Tensor]) -> Tensor {
    concatenation(of: parts) ?? parts.dropFirst().reduce(parts[0]) { $0 + $1 }
}

private func concatenation(of parts: [Tensor]) -> Tensor? {
    guard parts.count > 1, let builder = parts.first?.builder else { return nil }
    var pieces: [(start: Int, end: Int, axis: Int, tensor: Tensor)] = []
    for part in parts {
        let node = builder.graph[part.value]
        guard let pad = node.operation as? Pad, pad.interior.allSatisfy({ $0 == 0 }) else { return nil }
        let axes = part.shape.indices.filter { pad.low[$0] + pad.high[$0] > 0 }
        guard axes.count == 1 else { return nil }
        let axis = axes[0]
        pieces.append((pad.low[axis], part.shape[axis] - pad.high[axis], axis, builder.tensor(node.operands[0])))
    }
    pieces.sort { $0.start < $1.start }
    guard Set(pieces.map(\.axis)).count == 1, pieces[0].start == 0,
        pieces[pieces.count - 1].end == parts[0].shape[pieces[0].axis],
        zip(pieces, pieces.dropFirst()).allSatisfy({ $0.end == $1.start })
    else { return nil }
    return concatenate(pieces.map(\.tensor), axis: pieces[0].axis)
}
