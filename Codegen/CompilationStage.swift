import ApusIR

/// A stage of the way from a graph to native code, as it can be printed.
public enum CompilationStage: String, CaseIterable, Sendable {
    /// Primitives, and operations that have kernels of their own.
    case optimized
    /// The graph that is scheduled: operations in the forms that have kernels, with copies of operands that cannot be
    /// read where they lie.
    case legal
    /// How each value of that graph is computed: inside its readers, or by a kernel that stores it.
    case placement
    /// Which stored values one kernel computes together.
    case clusters
    /// The buffers, and where each stored value lies in them.
    case layout
    /// The steps in order, with the buffers that they touch.
    case schedule
    /// The steps, and the loops of their kernels.
    case kernels
    /// LLVM's intermediate code of the kernels.
    case llvm
    /// Assembly of the kernels for this machine.
    case asm
}

extension GraphCompiler {
    /// A graph at a stage of its compilation, as text.
    public func text(_ graph: Graph, at stage: CompilationStage) throws -> String {
        switch stage {
        case .optimized, .legal: return try self.graph(graph, at: stage)?.text(locations: true) ?? ""
        case .kernels: return try kernels(graph)
        case .llvm: return try llvm(graph)
        case .asm: return try assembly(graph)
        case .placement, .clusters, .layout, .schedule: return try schedule(graph).text(at: stage)
        }
    }

    /// A graph at a stage at which it still is one; nil at the others.
    public func graph(_ graph: Graph, at stage: CompilationStage) throws -> Graph? {
        switch stage {
        case .optimized: try optimization.run(graph)
        case .legal: try schedule(graph).graph
        default: nil
        }
    }
}

extension Schedule {
    /// A stage of what is decided before there is code; the graph that is scheduled for the others.
    package func text(at stage: CompilationStage) -> String {
        switch stage {
        case .placement: "\(placement)\n"
        case .clusters: "\(clustering)\n"
        case .layout: "\(layout)\n"
        case .schedule: KernelTable(self).steps(of: self).joined(separator: "\n") + "\n"
        case .kernels: KernelTable(self).text(of: self)
        case .optimized, .legal, .llvm, .asm: graph.text(locations: true)
        }
    }
}
