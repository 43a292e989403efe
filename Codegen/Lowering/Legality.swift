import ApusIR
import ApusTransforms

extension Graph {
    /// Checks that the schedule has a kernel for every node, and throws every breach that it finds:
    ///
    /// - Tensors are of f32, bf16, i32 or bool, and have at most 2³¹ − 1 elements.
    /// - There are primitives only, and attention whose heads have kernels; element-wise ones have a scalar function.
    /// - A reduction goes along one axis.
    /// - The free and the contracted axes of a matmul's operands each lie together and batch axes do not come last; the
    ///   contracted axis is not too long, or cannot be divided; bf16 comes in pairs and adds up in f32.
    /// - Sorts work in f32.
    /// - Results are computed: they are neither inputs nor parameters.
    package func verifyLegal(_ tuning: Tuning) throws(GraphErrors) {
        var errors: [GraphError] = []
        for node in nodes {
            guard let problem = node.problemForKernels ?? problem(with: node, tuning) else { continue }
            errors.append(
                GraphError(.unsupported, operation: node.operation.name, problem, location: node.location))
        }
        for result in results where self[result.value].operation.kind == .leaf {
            errors.append(GraphError(.structure, "the result \(result.value) is not computed"))
        }
        guard errors.isEmpty else { throw GraphErrors(errors) }
    }

    private func problem(with node: Node, _ tuning: Tuning) -> String? {
        switch node.operation.kind {
        case .leaf, .view, .repetition, .copy, .join, .scatter, .collective: nil
        case .generated:
            node.operation is Constant || node.operation is Iota || node.operation is RandomUniform
                ? nil : "there is no kernel for it"
        case .lookup: node.operation is Gather || node.operation is Pad ? nil : "there is no kernel for it"
        case .elementwise: ScalarFunction(node.operation) == nil ? "there is no kernel for it" : nil
        case .reduction:
            (node.operation as? Reduce)?.axes.count == 1 ? nil : "goes along more than one axis"
        case .contraction: (node.operation as? Dot).flatMap { problem(with: $0, node, tuning) }
        case .attention:
            AttentionKernel.isSupported(self, node, tuning) ? nil : "there is no kernel for heads of this size"
        case .sort: self[node.operands[0]].type.element == .f32 ? nil : "sorts \(self[node.operands[0]].type), not f32"
        case .composite: "is no primitive"
        }
    }

    private func problem(with dot: Dot, _ node: Node, _ tuning: Tuning) -> String? {
        let types = node.operands.map { self[$0].type }, extents = dot.leftContracting.map { types[0].shape[$0] }
        let length = extents.reduce(1, *)
        switch types[0].element {
        case .f32: break
        case .bf16:
            guard length % 2 == 0 else { return "multiplies an odd number of bf16" }
            guard dot.result == .f32 else { return "does not add up in f32" }
            guard !dot.usesLibrary else { return "the library does not multiply bf16" }
        case .f64, .i32, .bool: return "multiplies \(types[0])"
        }
        guard types[0].hasGroupedAxes(dot.leftBatch, dot.leftFree(types[0].rank), dot.leftContracting),
            types[1].hasGroupedAxes(dot.rightBatch, dot.rightFree(types[1].rank), dot.rightContracting)
        else { return "has axes that do not lie together" }
        // Axes of 1 or 2 are not divided: parts of them would not be even.
        guard length <= tuning.longestContraction || extents.allSatisfy({ $0 <= 2 }) else {
            return "contracts \(length) elements, more than \(tuning.longestContraction)"
        }
        return nil
    }
}

extension TensorType {
    /// Whether the free and the contracted axes of a matmul's operand each lie together, so that each act as one, and a
    /// batch axis does not come last.
    func hasGroupedAxes(_ batch: [Int], _ free: [Int], _ contracting: [Int]) -> Bool {
        // Of a batch of single numbers the batch comes last in any order.
        if batch + free + contracting == Array(0..<rank) { return true }
        let innermost = shape.indices.last { shape[$0] > 1 }
        return liesTogether(free) && liesTogether(contracting) && innermost.map { !batch.contains($0) } ?? true
    }

    /// Whether axes follow each other, so that they act as one.
    func liesTogether(_ axes: [Int]) -> Bool {
        let extended = axes.filter { shape[$0] > 1 }
        guard let first = extended.first, let last = extended.last else { return true }
        guard extended == extended.sorted() else { return false }
        return (first...last).allSatisfy { extended.contains($0) || shape[$0] == 1 }
    }
}

extension Pass {
    /// Changes nothing: fails if the graph is not legal. What legalisation leaves so is its own defect.
    package static func verifyLegal(_ tuning: Tuning) -> Pass {
        Pass("verify-legal") { graph in
            do throws(GraphErrors) {
                try graph.verifyLegal(tuning)
            } catch {
                throw PassDefect(pass: "legalize", errors: error)
            }
            return graph
        }
    }
}
