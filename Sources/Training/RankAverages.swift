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

    /// Which values are the same on all ranks: what is computed of weights, sums over ranks and gathered parts alone.
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

    /// Has all weights follow the means of all ranks' gradients. Where state is `divided`, a rank gets its own part of
    /// the mean alone.
    func averageGradients(of weights: inout [Optimizer.Weight], divided: Bool) {
        // The backward pass knows the gradients of the last layers first.
        let all = Array(weights.indices.reversed())
        let travelling = Dictionary(
            uniqueKeysWithValues: all.map { ($0, weights[$0].gradient.cast(ranks > 1 ? gradients : .f32)) })
        func partCount(_ index: Int) -> Int? {
            divided ? StateDivision.partCount(of: weights[index].shape, ranks: ranks) : nil
        }
        let whole = all.filter { partCount($0) == nil }
        for (index, mean) in zip(whole, means(whole.compactMap { travelling[$0] })) { weights[index].gradient = mean }
        let parts = all.compactMap { index in
            partCount(index).flatMap { count in
                travelling[index].map { (index, StateDivision.parts(of: $0, ranks: ranks, count: count)) }
            }
        }
        for ((index, _), sum) in zip(parts, Self.inMessages(parts.map(\.1), Self.scatteredSums)) {
            weights[index].gradient = mean(ofSum: sum)
        }
    }

    /// The means of some tensors, in f32; several travel together.
    func means(_ tensors: [Tensor]) -> [Tensor] {
        guard ranks > 1 else { return tensors.map { $0.cast(.f32) } }
        return Self.inMessages(tensors, Self.sums).map(mean)
    }

    /// A mean in f32. The sum is divided in f32: before it, numbers of bf16 would be rounded once more, and since bf16
    /// reaches as far as f32, no sum is too large that would not be in f32.
    private func mean(ofSum sum: Tensor) -> Tensor { sum.cast(.f32) * (1 / Double(ranks)) }

    /// The optimizer's state divided among the ranks, with some weights held as bf16; several parts of weights travel
    /// together.
    func division(narrow: Set<String>) -> StateDivision {
        StateDivision(ranks: ranks, narrow: narrow) { parts in
            Self.inMessages(parts) { parts in
                Self.slices(of: allGather(concatenate(parts, axis: 0), ranks: ranks), axis: 1, like: parts)
            }
        }
    }

    /// What becomes of some tensors that travel in messages of several.
    private static func inMessages(_ tensors: [Tensor], _ send: ([Tensor]) -> [Tensor]) -> [Tensor] {
        var results: [Tensor] = [], bucket: [Tensor] = []
        for (number, tensor) in tensors.enumerated() {
            bucket.append(tensor)
            let bytes = bucket.reduce(0) { $0 + $1.type.byteCount }
            guard bytes >= bucketBytes || number == tensors.count - 1 else { continue }
            results += send(bucket)
            bucket = []
        }
        return results
    }

    /// The sums of some tensors, in one message.
    private static func sums(_ tensors: [Tensor]) -> [Tensor] {
        guard tensors.count > 1 else { return tensors.map(allReduce) }
        let flat = tensors.map { $0.reshape([-1]) }
        let sums = slices(of: allReduce(concatenate(flat, axis: 0)), axis: 0, like: flat)
        return zip(tensors, sums).map { $1.reshape($0.shape) }
    }

    /// The rank's own parts of the sums of some tensors [ranks, count], in one message.
    private static func scatteredSums(_ tensors: [Tensor]) -> [Tensor] {
        slices(of: reduceScatter(concatenate(tensors, axis: 1)), axis: 0, like: tensors)
    }

    /// The parts of an axis that are as long as the last axes of some tensors.
    private static func slices(of all: Tensor, axis: Int, like tensors: [Tensor]) -> [Tensor] {
        var place = 0
        return tensors.map { tensor in
            let count = tensor.shape[tensor.rank - 1]
            defer { place += count }
            return all.slice(place..<place + count, axis: axis)
        }
    }
}
