import ApusIR
import ApusTransforms

extension Pass {
    /// Rewrites operations into the forms for which there are kernels:
    /// - a reduction goes along one axis;
    /// - the free and the contracting axes of a matmul's operands each lie together, so that they act as one;
    /// - the contracted axis of a matmul is not too long: longer matmuls are sums of matmuls;
    /// - matmuls add up in f32, sorts work in f32.
    package static func legalize(_ tuning: Tuning) -> Pass {
        Pass("legalize") { graph in
            // Named where they come in: what is computed from such a tensor only follows.
            let problems = graph.nodes.compactMap { node in
                node.operands.contains { graph[$0].problemForKernels != nil }
                    ? nil
                    : node.problemForKernels.map {
                        GraphError(.unsupported, operation: node.operation.name, $0, location: node.location)
                    }
            }
            guard problems.isEmpty else { throw GraphErrors(problems) }
            let legalizer = Legalizer(tuning: tuning)
            let rewritten = try rebuild(graph) { node, _, operands, _ in
                switch node.operation {
                case let reduce as Reduce: legalizer.legal(reduce, operands[0])
                case let dot as Dot: legalizer.legal(dot, operands[0], operands[1])
                case is ArgSort where operands[0].element == .bf16: argsort(operands[0].cast(.f32))
                default: nil
                }
            }
            return withOwnResults(rewritten)
        }
    }
}

extension Node {
    /// Why there are no kernels for tensors of this type; nil if there are.
    var problemForKernels: String? {
        if type.element == .f64 { return "f64 is for the interpreter; generated code computes in f32" }
        // Kernels count elements in 32 bits.
        if type.count > Int(Int32.max) {
            return "\(type) has \(type.count) elements; generated code counts up to \(Int32.max): use a smaller batch"
        }
        return nil
    }
}

/// Results that are inputs or parameters themselves become copies of them: a result is computed by some kernel.
private func withOwnResults(_ graph: Graph) -> Graph {
    var graph = graph
    for (position, result) in graph.results.enumerated() {
        let node = graph[result.value]
        guard node.operation.kind == .leaf else { continue }
        let shape = node.type.shape
        graph.nodes.append(
            Node(
                Broadcast(shape: shape, axes: Array(shape.indices)), [result.value], node.type, location: node.location)
        )
        graph.results[position].value = Value(graph.nodes.count - 1)
    }
    return graph
}

/// Makes legal forms of single operations.
private struct Legalizer {
    let tuning: Tuning

    func legal(_ reduce: Reduce, _ x: Tensor) -> Tensor? {
        guard reduce.axes.count > 1 else { return nil }
        // One axis after the other, the last first: rows that are summed lie close together, and there are more of them
        // to share.
        return reduce.axes.reversed().reduce(x) { $0.builder.add(Reduce(reduce.kind, axes: [$1]), [$0]) }
    }

    /// A legal form of a matmul; nil if it is legal as it is.
    ///
    /// - Parameter longest: How much it may contract, if it is a part of one whose limit is known.
    func legal(_ dot: Dot, _ left: Tensor, _ right: Tensor, longest: Int? = nil) -> Tensor? {
        let length = dot.leftContracting.map { left.shape[$0] }.reduce(1, *)
        if left.element == .bf16 {
            // bf16 is multiplied in pairs; where there is an odd number, in f32, which holds bf16 and its products
            // exactly.
            if length % 2 != 0 {
                var wide = dot
                wide.result = nil
                return legalMatmul(wide, left.cast(.f32), right.cast(.f32), longest).cast(dot.result ?? .bf16)
            }
            if dot.result != .f32 {
                var wide = dot
                wide.result = .f32
                return legalMatmul(wide, left, right, longest).cast(.bf16)
            }
        }
        let longest = longest ?? (isOfImages(dot, left, right) ? tuning.longestOfPlaces : tuning.longestContraction)
        if length > longest, let parts = parts(dot, left, right, longest) {
            return parts.dropFirst().reduce(parts[0], +)
        }
        let a = grouped(left, batch: dot.leftBatch, free: dot.leftFree(left.rank), contracting: dot.leftContracting)
        let b = grouped(
            right, batch: dot.rightBatch, free: dot.rightFree(right.rank), contracting: dot.rightContracting)
        guard a.tensor.value != left.value || b.tensor.value != right.value else { return nil }
        return left.builder.add(
            Dot(
                leftBatch: a.batch, rightBatch: b.batch, leftContracting: a.contracting,
                rightContracting: b.contracting,
                result: dot.result),
            [a.tensor, b.tensor])
    }

    /// A matmul in its legal form. Whatever a rewrite above makes of a matmul goes through here again: the parts of a
    /// sum need their axes grouped, and a wider matmul may be too long.
    private func legalMatmul(_ dot: Dot, _ left: Tensor, _ right: Tensor, _ longest: Int?) -> Tensor {
        legal(dot, left, right, longest: longest) ?? left.builder.add(dot, [left, right])
    }

    /// Legal matmuls whose sum is one that contracts too much; nil if it cannot be divided.
    ///
    /// The longest contracted axis is divided, into parts that are as long as the limit allows and as equal as can be,
    /// or that of images into single ones, whose places are divided in turn.
    private func parts(_ dot: Dot, _ left: Tensor, _ right: Tensor, _ limit: Int) -> [Tensor]? {
        let extents = dot.leftContracting.map { left.shape[$0] }, length = extents.reduce(1, *)
        guard let longest = extents.indices.max(by: { extents[$0] < extents[$1] }) else { return nil }
        let isSeparate = isSeparate(dot, left, right, length, limit), axis = isSeparate ? 0 : longest
        let extent = extents[axis]
        // Even parts of an axis leave an even number of factors, as pairs of bf16 need it.
        let unit = left.element == .bf16 && !isSeparate ? 2 : 1
        let most = isSeparate ? 1 : max(limit / (length / extent) / unit, 1)
        let units = (extent + unit - 1) / unit, count = (units + most - 1) / most
        let size = (units + count - 1) / count * unit
        guard size < extent else { return nil }
        return stride(from: 0, to: extent, by: size).flatMap { start in
            let range = start..<min(start + size, extent)
            let a = left.slice(range, axis: dot.leftContracting[axis])
            let b = right.slice(range, axis: dot.rightContracting[axis])
            let rest = dot.leftContracting.reduce(1) { $0 * a.shape[$1] }
            return (rest > limit ? parts(dot, a, b, limit) : nil) ?? [legalMatmul(dot, a, b, limit)]
        }
    }

    /// Whether it is worth a part of its own to contract one image alone: that is not much less than a matmul may
    /// contract, and its rows lie in memory as they are, while longer ones would have to be copied.
    private func isSeparate(_ dot: Dot, _ left: Tensor, _ right: Tensor, _ length: Int, _ limit: Int) -> Bool {
        guard isOfImages(dot, left, right) else { return false }
        let places = length / left.shape[dot.leftContracting[0]]
        return 4 * places >= limit && (left.element != .bf16 || places % 2 == 0)
    }

    /// Whether both operands are contracted over images and the places in them, which channels lie between: as for the
    /// gradient of a convolution's kernel.
    private func isOfImages(_ dot: Dot, _ left: Tensor, _ right: Tensor) -> Bool {
        let contracting = dot.leftContracting
        return !left.type.liesTogether(contracting) && !right.type.liesTogether(dot.rightContracting)
            && left.type.hasGroupedAxes(dot.leftBatch, dot.leftFree(left.rank), Array(contracting.dropFirst()))
    }
}

/// The operand, transposed if its free or contracting axes do not lie together or if a batch axis comes last.
private func grouped(_ x: Tensor, batch: [Int], free: [Int], contracting: [Int]) -> (
    tensor: Tensor, batch: [Int], contracting: [Int]
) {
    if x.type.hasGroupedAxes(batch, free, contracting) { return (x, batch, contracting) }
    let order = batch + free + contracting
    let firstContracting = batch.count + free.count
    return (x.transpose(order), Array(batch.indices), contracting.indices.map { firstContracting + $0 })
}
