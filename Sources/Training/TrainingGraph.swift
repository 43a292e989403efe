import ApusIR
import ApusLayers
import ApusTransforms

extension TracedStep {
    /// What one run of a training step does with the gradients.
    public enum GradientUse: Hashable, Sendable {
        /// Updates the weights.
        case update
        /// Adds the gradients, divided by `of`, to those of earlier runs; the weights stay.
        case accumulate(of: Int)
        /// Adds the gradients to those of earlier runs, updates the weights with the sum, and starts anew.
        case updateWithAccumulated(of: Int)
        /// Hands them out as outputs `grad.NAME`; the weights stay.
        case output
        /// Hands out how long they are, as outputs `grad_norm.NAME`.
        case outputNorms

        fileprivate var updatesWithAccumulated: Bool { if case .updateWithAccumulated = self { true } else { false } }
    }

    /// The step with its forward pass rewritten; inputs, parameters and outputs keep their names.
    ///
    /// Throws `GraphErrors` if the loss does not depend on some weight: afterwards that could no longer be told, since
    /// a matmul with several weights gives each of them a gradient.
    public func rewritten(by pipeline: Pipeline, recording rewrites: inout [Rewrite]) throws -> TracedStep {
        let behindLoss = weightsBehindLoss
        let idle = weights.filter { !behindLoss.contains(name(of: $0)) }
        guard idle.isEmpty else { throw GraphErrors(idle.map(isIdle)) }
        var step = self
        let lossName = graph.results.firstIndex { $0.value == loss && $0.kind == .output(name: "loss") }
        step.graph = try pipeline.run(graph, recording: &rewrites)
        guard let lossName else { preconditionFailure("a traced step has the output 'loss'") }
        step.loss = step.graph.results[lossName].value
        step.weights = step.graph.parameters.filter(\.operation.trainable).map(\.value)
        step.idleWeights = behindLoss.subtracting(step.weightsBehindLoss)
        return step
    }

    /// Names of the weights that the loss is computed from.
    private var weightsBehindLoss: Set<String> {
        var isBehind = [Bool](repeating: false, count: graph.nodes.count)
        isBehind[loss.index] = true
        for value in graph.values.reversed() where isBehind[value.index] {
            for operand in graph[value].operands { isBehind[operand.index] = true }
        }
        return Set(graph.parameters.filter { $0.operation.trainable && isBehind[$0.value.index] }.map(\.operation.name))
    }

    private func name(of weight: Value) -> String { (graph[weight].operation as? Parameter)?.name ?? "" }

    /// The mistake of a weight that the loss does not depend on.
    private func isIdle(_ weight: Value) -> GraphError {
        GraphError(
            .structure, operation: Parameter.name, "the loss does not depend on the weight '\(name(of: weight))'",
            location: graph[weight].location)
    }

    /// The graph of the whole step: forward pass, gradients, and what is done with them.
    ///
    /// Where it was traced for several ranks, as many graphs run side by side, each on a batch of its own: the
    /// optimizer follows the mean of their gradients, and loss, metrics and what the forward pass keeps are means, too.
    /// Accumulated gradients are those of each rank until the update. Between ranks, gradients travel as
    /// `rankGradients`, f32 or bf16. With `dividesState`, each rank keeps a part of the optimizer's state
    /// (`StateDivision`), and computes the updates of that part; with `narrows`, for matmuls of bf16, it holds weights
    /// that matmuls alone read as bf16, beside its own part in f32. `learningRateScale` gives a factor for each
    /// weight's learning rate, by name. Throws if the loss does not depend on some weight, if it cannot be
    /// differentiated, or if the optimizer's state cannot be divided.
    public func wholeGraph(
        _ use: Set<GradientUse> = [.update], rankGradients: ElementType = .f32, dividesState: Bool = false,
        narrows: Bool = false, learningRateScale: (String) -> Double = { _ in 1 }
    ) throws(GraphErrors) -> Graph {
        let differentiated = try differentiatedForOptimizer()
        let averages = RankAverages(ranks: ranks, gradients: rankGradients)
        let isDivided = dividesState && ranks > 1, scatters = isDivided && needsPartsAlone(use)
        let narrow =
            isDivided && narrows ? weightsHeldAsBFloat16(in: differentiated.graph, stateOwners: ranks) : []
        let builder = GraphBuilder(extending: try averages.averagingResults(differentiated.graph, of: self))
        var updated = gradients(differentiated, builder)
        for index in updated.indices { updated[index].learningRateScale = learningRateScale(updated[index].name) }
        let accumulates = use.contains { if case .accumulate = $0 { true } else { $0.updatesWithAccumulated } }
        if !accumulates { averages.averageGradients(of: &updated, divided: scatters) }
        follow(&updated, use, builder, dividing: isDivided ? averages.division(narrow: narrow) : nil) {
            averages.averageGradients(of: &$0, divided: scatters)
        }
        return try builder.finish().holdingAsBFloat16(narrow)
    }

    /// Whether a rank whose optimizer state is divided needs its own parts of gradients alone.
    func needsPartsAlone(_ use: Set<GradientUse>) -> Bool {
        optimizer.looksAtSingleGradients && !use.contains(.output) && !use.contains(.outputNorms)
    }

    /// The weights with their gradients; reports those that the loss does not depend on.
    func gradients(_ differentiated: Differentiated, _ builder: GraphBuilder) -> [Optimizer.Weight] {
        zip(weights, differentiated.gradients).compactMap { value, gradient in
            guard let parameter = graph[value].operation as? Parameter else { return nil }
            let zero =
                idleWeights.contains(parameter.name) ? builder.add(Constant(parameter.type, splat: 0), []).value : nil
            guard let gradient = gradient ?? zero else {
                builder.report(isIdle(value))
                return nil
            }
            return Optimizer.Weight(builder.tensor(value), name: parameter.name, gradient: builder.tensor(gradient))
        }
    }

    /// Does with gradients what they are for; `accumulated` is called with sums of gradients before weights follow
    /// them. The optimizer's state may be divided.
    func follow(
        _ updated: inout [Optimizer.Weight], _ use: Set<GradientUse>, _ builder: GraphBuilder,
        dividing division: StateDivision?,
        accumulated: (inout [Optimizer.Weight]) -> Void = { _ in }
    ) {
        for index in updated.indices {
            let name = updated[index].name, gradient = updated[index].gradient
            if use.contains(.output) { builder.output("grad.\(name)", gradient) }
            if use.contains(.outputNorms), let norm = length([gradient]) { builder.output("grad_norm.\(name)", norm) }
            for case .accumulate(let count) in use { accumulate(&updated[index], count, builder, update: false) }
            for case .updateWithAccumulated(let count) in use {
                accumulate(&updated[index], count, builder, update: true)
            }
        }
        if use.contains(where: \.updatesWithAccumulated) { accumulated(&updated) }
        if use.contains(where: { $0 == .update || $0.updatesWithAccumulated }) {
            optimizer.appendUpdates(to: builder, updated, dividing: division)
        }
    }

    /// The gradients that the optimizer follows.
    func differentiatedForOptimizer() throws(GraphErrors) -> Differentiated {
        let plain = try differentiate(graph, loss: loss, withRespectTo: weights)
        guard let radius = optimizer.sharpnessRadius else { return plain }
        // The forward pass again, of weights that are moved up the gradient; what does not depend on them is shared,
        // and so are random draws. State that the forward pass updates is that of the first.
        let builder = GraphBuilder(extending: plain.graph)
        let known = zip(weights, plain.gradients).compactMap { weight, gradient in
            gradient.map { (weight: weight, gradient: builder.tensor($0)) }
        }
        guard let length = length(known.map(\.gradient)) else { return plain }
        let factor = radius / (length + 1e-12)
        var moved: [Int: Tensor] = [:]
        for (weight, gradient) in known { moved[weight.index] = builder.tensor(weight) + gradient * factor }
        let targets = weights.map { moved[$0.index]?.value }
        for (index, node) in graph.nodes.enumerated().prefix(loss.index + 1)
        where moved[index] == nil && node.operands.contains(where: { moved[$0.index] != nil }) {
            builder.location = node.location
            moved[index] = builder.add(
                node.operation, node.operands.map { moved[$0.index] ?? builder.tensor($0) }, location: node.location)
        }
        guard let movedLoss = moved[loss.index] else { return plain }
        var sharp = try differentiate(
            try builder.finish(), loss: movedLoss.value, withRespectTo: targets.compactMap(\.self))
        var gradients = sharp.gradients.makeIterator()
        sharp.gradients = targets.map { $0 == nil ? nil : gradients.next() ?? nil }
        return sharp
    }

    /// Adds a gradient to the sum of earlier ones, which is kept as state, or reset where the weights are updated.
    private func accumulate(_ weight: inout Optimizer.Weight, _ count: Int, _ builder: GraphBuilder, update: Bool) {
        let gradient = weight.gradient
        let sum = builder.parameter(
            Parameter("accumulated.\(weight.name)", gradient.type, .zeros, trainable: false))
        weight.gradient = sum + gradient * (1 / Double(count))
        builder.update(sum, with: update ? gradient.constant(0, shape: gradient.shape) : weight.gradient)
    }
}
