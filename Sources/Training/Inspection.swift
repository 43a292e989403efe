import ApusIR
import ApusLayers
import ApusRuntime
import ApusTransforms

/// What a program hands out beside its results, to see what goes on inside.
public struct Inspection: Hashable, Sendable {
    /// Patterns of layer paths, such as `blocks.*.attn`: each layer that matches gives an output of its path's name,
    /// what it computed last.
    public var layers: [String]
    /// Whether each weight gives an output `grad_norm.NAME`, the length of its gradient.
    public var gradientNorms: Bool

    /// Layers whose results are handed out, and whether lengths of gradients are.
    public init(layers: [String] = [], gradientNorms: Bool = false) {
        self.layers = layers
        self.gradientNorms = gradientNorms
    }

    /// A graph with more outputs: those of the layers. Throws for a pattern that no layer matches.
    func extended(_ graph: Graph) throws(GraphErrors) -> Graph {
        guard !layers.isEmpty else { return graph }
        let last = graph.lastValueOfLayers, builder = GraphBuilder(extending: graph)
        var wanted: Set<String> = []
        for pattern in layers {
            let paths = last.keys.filter(ParameterGroup(pattern).includes)
            wanted.formUnion(paths)
            guard paths.isEmpty else { continue }
            let known = last.keys.sorted(), shown = known.prefix(12).joined(separator: ", ")
            builder.report(
                GraphError(
                    .name, "no layer matches '\(pattern)'; there are \(shown)\(known.count > 12 ? ", …" : "")"))
        }
        for path in wanted.sorted() { if let value = last[path] { builder.output(path, builder.tensor(value)) } }
        return try builder.finish()
    }
}

extension Graph {
    /// For each layer, by path, what it computed last: within it, or within a layer inside of it.
    fileprivate var lastValueOfLayers: [String: Value] {
        var last: [String: Value] = [:]
        for value in values where !self[value].operands.isEmpty {
            var names = self[value].location?.path.split(separator: ".", omittingEmptySubsequences: false) ?? []
            while !names.isEmpty, names != [""] {
                last[names.joined(separator: ".")] = value
                names.removeLast()
            }
        }
        return last
    }
}

extension Compiler {
    /// Compiles a training step whose runs also tell what is computed inside.
    ///
    /// ```swift
    /// let program = try compiler.compile(step, inspecting: Inspection(layers: ["blocks.*"], gradientNorms: true))
    /// let report = try program.run(state, inputs)
    /// print(report["blocks.0"]!.floats, report["grad_norm.head.weight"]!.scalar)
    /// ```
    public func compile(_ step: TrainingStep, inspecting inspection: Inspection) throws -> CompiledStep {
        var traced = try step.trace(ranks: communicator?.count ?? 1)
        traced.graph = try inspection.extended(traced.graph)
        return try compile(traced, inspection.gradientNorms ? [.update, .outputNorms] : [.update])
    }

    /// Compiles a computation whose runs also hand out what layers inside give.
    public func compile(_ step: InferenceStep, inspecting inspection: Inspection) throws -> CompiledStep {
        try compile(inspection.extended(step.trace()))
    }

    /// Where the first number that is not finite comes from in the forward pass of a training step; nil if all are
    /// finite. Nothing is updated.
    public func firstNotFinite(
        in step: TrainingStep, _ state: ProgramState, _ inputs: [String: TensorData]
    ) throws -> NotFiniteOrigin? {
        try FiniteProbe(graph: step.trace().graph, compile: { try self.compile($0) }).origin(state, inputs, samples: [])
    }

    /// Where the first number that is not finite comes from in a computation; nil if all are finite.
    public func firstNotFinite(
        in step: InferenceStep, _ state: ProgramState, _ inputs: [String: TensorData]
    ) throws -> NotFiniteOrigin? {
        try FiniteProbe(graph: step.trace(), compile: { try self.compile($0) }).origin(state, inputs, samples: [])
    }
}
