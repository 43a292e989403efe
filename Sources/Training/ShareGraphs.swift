import ApusIR
import ApusLayers

/// A training step whose batch is divided into shares, in two graphs: what is computed of each share, one after the
/// other or on several ranks, and what is done with the sum over all shares. Both are the same on any number of ranks.
extension TracedStep {
    /// The forward pass of a share and its gradients. Loss, metrics, gradients and what the forward pass keeps are
    /// outputs, and no weight changes; what is no floating point, such as the key of random draws, is updated.
    ///
    /// Gradients are handed out as `rankGradients`: each sum of two shares is rounded to that, whether they meet within
    /// a rank or between two.
    func shareGraph(rankGradients: ElementType = .f32) throws(GraphErrors) -> Graph {
        let differentiated = try differentiatedForOptimizer(), builder = GraphBuilder(extending: differentiated.graph)
        let weights = gradients(differentiated, builder)
        for weight in weights {
            builder.output(Self.gradientName(weight.name), weight.gradient.cast(rankGradients))
        }
        var graph = try builder.finish()
        for place in graph.results.indices {
            guard case .update(let value) = graph.results[place].kind, let name = keptName(value) else { continue }
            graph.results[place].kind = .output(name: name)
        }
        let names = Set(weights.map { Self.gradientName($0.name) })
        graph.results = graph.results.filter { result in
            guard case .output(let name) = result.kind else { return true }
            return graph[result.value].type.element.isFloatingPoint
                && (isSummed(name) || name.hasPrefix(Self.keptPrefix) || names.contains(name))
        }
        return graph
    }

    /// What follows the outputs of all shares, which are inputs here, added up within a rank: their mean over all
    /// shares, and what is done with it. The optimizer's state is divided among so many ranks, of which each holds the
    /// weights `narrow` as bf16.
    func sumGraph(
        _ use: Set<GradientUse>, shares: Int, rankGradients: ElementType = .f32, stateOwners: Int,
        narrow: Set<String>, learningRateScale: (String) -> Double
    ) throws(GraphErrors) -> Graph {
        let share = try shareGraph(rankGradients: rankGradients)
        let averages = RankAverages(ranks: shares, gradients: rankGradients)
        let builder = GraphBuilder(name: share.name)
        var names: [String] = [], sums: [String: Tensor] = [:]
        for result in share.results {
            guard case .output(let name) = result.kind else { continue }
            names.append(name)
            sums[name] = builder.input(Input(name, share[result.value].type))
        }
        let others = names.filter { isSummed($0) || $0.hasPrefix(Self.keptPrefix) }
        let means = Dictionary(
            zip(others, averages.means(others.compactMap { sums[$0] }))
        ) { first, _ in first }
        for name in others where isSummed(name) { means[name].map { builder.output(name, $0) } }
        for result in graph.results {
            guard case .update(let value) = result.kind, let name = keptName(value), let mean = means[name],
                let parameter = graph[value].operation as? Parameter
            else { continue }
            builder.update(builder.parameter(parameter), with: mean)
        }
        var updated = weights.compactMap { value -> Optimizer.Weight? in
            guard let parameter = graph[value].operation as? Parameter,
                let gradient = sums[Self.gradientName(parameter.name)]
            else { return nil }
            return Optimizer.Weight(
                builder.parameter(parameter), name: parameter.name, gradient: gradient,
                learningRateScale: learningRateScale(parameter.name))
        }
        averages.averageGradients(of: &updated, divided: false)
        let division = stateOwners > 1 ? RankAverages(ranks: stateOwners).division(narrow: narrow) : nil
        follow(&updated, use, builder, dividing: division)
        return try builder.finish().holdingAsBFloat16(narrow)
    }

    private static let keptPrefix = "kept."
    private static func gradientName(_ weight: String) -> String { "grad.\(weight)" }

    private func isSummed(_ output: String) -> Bool { output == "loss" || metrics.contains(output) }

    /// What a share hands out for the update of a parameter; nil if it updates it itself.
    private func keptName(_ parameter: Value) -> String? {
        guard let parameter = graph[parameter].operation as? Parameter, parameter.type.element == .f32 else {
            return nil
        }
        return Self.keptPrefix + parameter.name
    }
}
