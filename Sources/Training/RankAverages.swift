import ApusIR
import ApusLayers

/// Means over ranks, or over shares of which each rank has added up its own, in the graph of a training step; of one
/// alone they change nothing.
struct RankAverages {
    let ranks: Int
    /// The numbers as which gradients travel, f32 or bf16; all else travels as it is.
    var gradients = ElementType.f32

    /// Bytes of gradients from which on they are sent: a message as long as this takes much longer than to begin one,
    /// and several of them are under way before the backward pass has ended.
    private static let bucketBytes = 4 << 20

    /// The graph with means of all ranks for the loss, the metrics and what the forward pass keeps, where they are not
    /// the same on all ranks anyway, as running statistics of batches of all ranks are.
    ///
    /// Integers, such as the key of random draws, are those of each rank.
    func averagingResults(_ graph: Graph, of step: TracedStep) throws(GraphErrors) -> Graph {
        guard ranks > 1 else { return graph }
        let builder = GraphBuilder(extending: graph), isSame = valuesOfAllRanks(in: graph)
        let places = graph.results.indices.filter { place in
            let value = graph.results[place].value
            guard graph[value].type.element == .f32, !isSame[value.index] else { return false }
            return switch graph.results[place].kind {
            case .output(let name): name == "loss" || step.metrics.contains(name)
            case .update: true
            }
        }
        let means = means(places.map { builder.tensor(graph.results[$0].value) })
        var averaged = try builder.finish()
        for (place, mean) in zip(places, means) { averaged.results[place].value = mean.value }
        return averaged
    }

    /// Which values are the same on all ranks: what is computed of weights and sums over ranks alone.
    private func valuesOfAllRanks(in graph: Graph) -> [Bool] {
        var isSame: [Bool] = []
        for node in graph.nodes {
            let isSameHere =
                switch node.operation {
                case is AllReduce, is AllGather: true
                case is ReduceScatter: false
                case is Input: false
                // The key of random draws is another one on each rank.
                case let parameter as Parameter: parameter.type.element == .f32
                default: node.operands.allSatisfy { isSame[$0.index] }
                }
            isSame.append(isSameHere)
        }
        return isSame
    }

    /// Has all weights follow the means of all ranks' gradients.
    func averageGradients(of weights: inout [Optimizer.Weight]) {
        // The backward pass knows the gradients of the last layers first.
        let travelling = weights.reversed().map { $0.gradient.cast(ranks > 1 ? gradients : .f32) }
        for (index, mean) in zip(weights.indices.reversed(), means(travelling)) {
            weights[index].gradient = mean
        }
    }

    /// The means of some tensors, in f32; several travel together.
    func means(_ tensors: [Tensor]) -> [Tensor] {
        guard ranks > 1 else { return tensors.map { $0.cast(.f32) } }
        var means: [Tensor] = [], bucket: [Tensor] = []
        for (number, tensor) in tensors.enumerated() {
            bucket.append(tensor)
            let bytes = bucket.reduce(0) { $0 + $1.type.byteCount }
            guard bytes >= Self.bucketBytes || number == tensors.count - 1 else { continue }
            // Divided in f32, after the sum: before it, numbers of bf16 would be rounded once more, and since bf16
            // reaches as far as f32, no sum is too large that would not be in f32.
            means += sums(bucket).map { $0.cast(.f32) * (1 / Double(ranks)) }
            bucket = []
        }
        return means
    }

    /// The sums of some tensors, in one message.
    private func sums(_ tensors: [Tensor]) -> [Tensor] {
        guard tensors.count > 1 else { return tensors.map(allReduce) }
        let all = allReduce(concatenate(tensors.map { $0.reshape([-1]) }, axis: 0))
        var place = 0
        return tensors.map { tensor in
            defer { place += tensor.type.count }
            return all.slice(place..<place + tensor.type.count, axis: 0).reshape(tensor.shape)
        }
    }
}
