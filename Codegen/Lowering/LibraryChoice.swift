import ApusIR
import ApusTransforms

extension Pass {
    /// Marks the matmuls that are left to the library. Asked once, for all of a legal graph: whatever is computed again
    /// later, to save memory, is computed by the same.
    package static func chooseLibrary(_ choose: @escaping @Sendable (Graph) throws -> Set<Value>) -> Pass {
        Pass("choose-library") { graph in
            let chosen = try choose(graph)
            guard !chosen.isEmpty else { return graph }
            return try rebuild(graph) { node, value, operands, builder in
                guard chosen.contains(value), var dot = node.operation as? Dot else { return nil }
                dot.usesLibrary = true
                return builder.add(dot, operands)
            }
        }
    }
}

extension Graph {
    /// The matmuls that the library can compute: those of f32, except of windows, which it would need stored.
    package var libraryCandidates: [Value] {
        values.filter {
            self[$0].operation.kind == .contraction && self[$0].type.element == .f32
                && self[$0].operands.allSatisfy { self[$0].type.element == .f32 && !isOfWindows($0) }
        }
    }

    /// Whether a value only shows windows of another one.
    private func isOfWindows(_ value: Value) -> Bool {
        let node = self[value]
        return node.operation is Windows || (node.operation.kind.isView && isOfWindows(node.operands[0]))
    }

    /// Whether a node is a matmul that is left to the library.
    package func usesLibrary(_ value: Value) -> Bool { (self[value].operation as? Dot)?.usesLibrary ?? false }
}
