import ApusIR

/// Optimizer state that is divided among ranks (ZeRO-1: Rajbhandari et al. 2020, section 5.1). Of each weight that is
/// not small, a rank keeps the state of one part, computes the update of that part alone, and gets the other parts from
/// the other ranks.
///
/// Parts have as many elements, of which the last ones are zeros behind the weight's where ranks do not divide those.
/// All ranks run the same graph, whose input ``inputName`` is the number of the rank.
package struct StateDivision {
    /// The name of the input that says which part is the rank's own.
    package static let inputName = "optimizer_rank"
    /// Elements of the smallest weights that are divided: state of smaller ones takes next to no memory.
    package static let smallest = 1024

    /// What the name of a part of a weight in f32 begins with, where the whole is held as bf16.
    package static let masterPrefix = "optimizer.master."

    package let ranks: Int
    /// Names of the weights whose whole is held as bf16, and of which each rank has its own part in f32.
    let narrow: Set<String>
    /// The parts of all ranks, [ranks, count], of the ranks' own parts, [count].
    let gathered: ([Tensor]) -> [Tensor]

    package init(ranks: Int, narrow: Set<String> = [], gathered: @escaping ([Tensor]) -> [Tensor]) {
        (self.ranks, self.narrow, self.gathered) = (ranks, narrow, gathered)
    }

    /// Elements of a part of a weight; nil if it is not divided.
    package static func partCount(of shape: [Int], ranks: Int) -> Int? {
        let count = shape.reduce(1, *)
        return ranks > 1 && count >= smallest ? (count + ranks - 1) / ranks : nil
    }

    /// The parts of a tensor, [ranks, count], such as those of a weight's gradient.
    package static func parts(of whole: Tensor, ranks: Int, count: Int) -> Tensor {
        let padding = ranks * count - whole.type.count
        return whole.reshape([-1]).padded(low: [0], high: [padding]).reshape([ranks, count])
    }

    /// The rank's own part of a weight, and of its gradient where that is whole; the weight itself if it is not
    /// divided.
    func part(of weight: Optimizer.Weight) -> Optimizer.Weight {
        guard let count = Self.partCount(of: weight.shape, ranks: ranks) else { return weight }
        let rank = weight.parameter.builder.input(Input(Self.inputName, TensorType(.i32, [])))
        func part(_ whole: Tensor) -> Tensor { gather(Self.parts(of: whole, ranks: ranks, count: count), rank) }
        var own = weight
        own.isPart = true
        own.parameter = narrow.contains(weight.name) ? master(of: weight, count) : part(weight.parameter)
        if weight.gradient.shape == weight.shape { own.gradient = part(weight.gradient) }
        return own
    }

    /// The rank's own part of a weight whose whole is held as bf16.
    private func master(of weight: Optimizer.Weight, _ count: Int) -> Tensor {
        let name = Self.masterPrefix + weight.name
        return weight.parameter.builder.parameter(
            Parameter(name, weight.parameter.type.with(shape: [count]), .zeros, trainable: false))
    }

    /// Gathers the parts that ranks have computed, updates the divided weights, and returns all new ones.
    func update(_ weights: [Optimizer.Weight], with parts: [Tensor]) -> [Tensor] {
        var next = parts
        // What is held as f32 and what as bf16 travels in messages of its own.
        for isNarrow in [false, true] {
            let group = weights.indices.filter {
                Self.partCount(of: weights[$0].shape, ranks: ranks) != nil
                    && narrow.contains(weights[$0].name) == isNarrow
            }
            for (index, all) in zip(group, gathered(group.map { parts[$0].cast(isNarrow ? .bf16 : .f32) })) {
                let weight = weights[index], builder = weight.parameter.builder
                if isNarrow { builder.update(master(of: weight, parts[index].type.count), with: parts[index]) }
                let whole = all.cast(.f32).reshape([-1]).slice(0..<weight.parameter.type.count, axis: 0)
                next[index] = whole.reshape(weight.shape)
                builder.update(weight.parameter, with: next[index])
            }
        }
        return next
    }
}
