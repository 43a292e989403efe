import ApusIR
import ApusTransforms

extension Pass {
    /// Rewrites operations into the forms for which there are kernels:
    /// - a reduction goes along one axis;
    /// - the free and the contracting axes of a product's operands each lie together, so that they act as one;
    /// - the contracted axis of a product is not too long: longer products are sums of products;
    /// - products add up in f32, sorts work in f32.
    package static let legalize = Pass("legalize") { graph in
        for node in graph.nodes where node.type.element == .f64 {
            throw GraphErrors([
                GraphError(
                    .unsupported, operation: node.operation.name,
                    "f64 is for the interpreter; generated code computes in f32", location: node.location)
            ])
        }
        let rewritten = try rebuild(graph) { node, _, operands, builder in
            switch node.operation {
            case let reduce as Reduce: return legal(reduce, operands[0])
            case let dot as Dot: return legal(dot, operands[0], operands[1])
            case is ArgSort where operands[0].element == .bf16: return argsort(operands[0].cast(.f32))
            default: return nil
            }
        }
        return withOwnResults(rewritten)
    }
}

/// Results that are inputs or parameters themselves become copies of them: a result is computed by some kernel.
private func withOwnResults(_ graph: Graph) -> Graph {
    var graph = graph
    for (position, result) in graph.results.enumerated() {
        let node = graph[result.value]
        guard node.operation is Input || node.operation is Parameter else { continue }
        let shape = node.type.shape
        graph.nodes.append(
            Node(
                Broadcast(shape: shape, axes: Array(shape.indices)), [result.value], node.type, location: node.location)
        )
        graph.results[position].value = Value(graph.nodes.count - 1)
    }
    return graph
}

private func legal(_ reduce: Reduce, _ x: Tensor) -> Tensor? {
    guard reduce.axes.count > 1 else { return nil }
    // One axis after the other, the last first: rows that are summed lie close together, and there are more of them to
    // share.
    return reduce.axes.reversed().reduce(x) { $0.builder.add(Reduce(reduce.kind, axes: [$1]), [$0]) }
}

/// The longest contracted axis of one product, in elements: its factors fit into a cache together.
private let longestContraction = 4096

private func legal(_ dot: Dot, _ left: Tensor, _ right: Tensor) -> Tensor? {
    let length = dot.leftContracting.map { left.shape[$0] }.reduce(1, *)
    if left.element == .bf16 {
        // bf16 is multiplied in pairs; where there is an odd number, in f32, which holds bf16 and its products exactly.
        if length % 2 != 0 {
            var wide = dot
            wide.result = nil
            return left.builder.add(wide, [left.cast(.f32), right.cast(.f32)]).cast(dot.result ?? .bf16)
        }
        if dot.result != .f32 {
            var wide = dot
            wide.result = .f32
            return left.builder.add(wide, [left, right]).cast(.bf16)
        }
    }
    if length > longestContraction, let sum = sumOfParts(dot, left, right, length) { return sum }
    let a = grouped(left, batch: dot.leftBatch, free: dot.leftFree(left.rank), contracting: dot.leftContracting)
    let b = grouped(right, batch: dot.rightBatch, free: dot.rightFree(right.rank), contracting: dot.rightContracting)
    guard a.tensor.value != left.value || b.tensor.value != right.value else { return nil }
    return left.builder.add(
        Dot(
            leftBatch: a.batch, rightBatch: b.batch, leftContracting: a.contracting, rightContracting: b.contracting,
            result: dot.result),
        [a.tensor, b.tensor])
}

/// The product as a sum over parts of its longest contracted axis, which stay even in number of elements if they were.
private func sumOfParts(_ dot: Dot, _ left: Tensor, _ right: Tensor, _ length: Int) -> Tensor? {
    let extents = dot.leftContracting.map { left.shape[$0] }
    guard let longest = extents.indices.max(by: { extents[$0] < extents[$1] }), extents[longest] > 1 else { return nil }
    let extent = extents[longest], parts = min(extent, (length + longestContraction - 1) / longestContraction)
    let size = ((extent + parts - 1) / parts + 1) / 2 * 2
    guard size < extent else { return nil }
    return stride(from: 0, to: extent, by: size).map { start in
        let range = start..<min(start + size, extent)
        return left.builder.add(
            dot,
            [
                left.slice(range, axis: dot.leftContracting[longest]),
                right.slice(range, axis: dot.rightContracting[longest]),
            ])
    }.reduce(nil as Tensor?) { sum, part in sum.map { $0 + part } ?? part }
}

/// The operand, transposed if its free or contracting axes do not lie together or if a batch axis comes last.
private func grouped(_ x: Tensor, batch: [Int], free: [Int], contracting: [Int]) -> (
    tensor: Tensor, batch: [Int], contracting: [Int]
) {
    func liesTogether(_ axes: [Int]) -> Bool {
        let extended = axes.filter { x.shape[$0] > 1 }
        guard let first = extended.first, let last = extended.last else { return true }
        guard extended == extended.sorted() else { return false }
        return (first...last).allSatisfy { extended.contains($0) || x.shape[$0] == 1 }
    }
    let innermost = x.shape.indices.last { x.shape[$0] > 1 }
    if liesTogether(free), liesTogether(contracting), innermost.map({ !batch.contains($0) }) ?? true {
        return (x, batch, contracting)
    }
    let order = batch + free + contracting
    let firstContracting = batch.count + free.count
    return (x.transpose(order), Array(batch.indices), contracting.indices.map { firstContracting + $0 })
}
