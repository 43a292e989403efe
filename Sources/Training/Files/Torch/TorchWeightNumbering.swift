/// The ways in which training code can have divided a model's weights into the groups of its optimizer, from which the
/// numbers follow that PyTorch saves in place of names.
///
/// They belong to the code that has trained a model: what reads its checkpoints gives them.
public struct WeightGroupings: Sendable {
    /// A tensor of the state dict that can be a weight.
    public typealias Weight = (name: String, shape: [Int])

    /// The names of the weights by group, for each way to group them.
    let candidates: @Sendable (_ weights: [Weight]) -> [[[String]]]

    /// Ways to group weights, which are given in the order of the state dict, that of `named_parameters()`.
    public init(_ candidates: @escaping @Sendable (_ weights: [Weight]) -> [[[String]]]) {
        self.candidates = candidates
    }

    /// All weights in one group, as of `torch.optim.AdamW(model.parameters())`.
    public static let single = WeightGroupings { weights in [[weights.map(\.name)]] }
}

/// Finds out which weight each number of an optimizer's state means.
struct TorchWeightNumbering {
    struct Failure: Error { let message: String }

    /// The tensors of the state dict that can be weights, in its order.
    private let weights: [WeightGroupings.Weight]
    private let shapes: [String: [Int]]
    private let groupings: WeightGroupings

    init(weights: [WeightGroupings.Weight], _ groupings: WeightGroupings) {
        let buffers = [".running_mean", ".running_var", ".num_batches_tracked"]
        self.weights = weights.filter { weight in !buffers.contains { weight.name.hasSuffix($0) } }
        shapes = Dictionary(self.weights.map { ($0.name, $0.shape) }) { $1 }
        self.groupings = groupings
    }

    /// The weight that each number means; `shapes` has those of numbers that state is kept for.
    func names(groups: [[Int]], givenNames: [[String]], shapes known: [Int: [Int]]) throws(Failure) -> [Int: String] {
        let numbers = groups.flatMap { $0 }
        guard Set(numbers).count == numbers.count else { throw Failure(message: "a weight is in two of its groups") }
        var fitting: Set<[[String]]> = []
        let candidates = givenNames.isEmpty ? groupings.candidates(weights) : [givenNames]
        for candidate in candidates where fits(candidate, groups, known) { fitting.insert(candidate) }
        guard let names = fitting.first else {
            let sizes = groups.map { String($0.count) }.joined(separator: ", ")
            throw Failure(message: "no known way to group the weights gives groups of \(sizes) with these shapes")
        }
        guard fitting.count == 1 else {
            throw Failure(
                message: "\(fitting.count) ways to group the weights fit it, and which one it was is not saved")
        }
        return Dictionary(uniqueKeysWithValues: zip(numbers, names.flatMap { $0 }))
    }

    private func fits(_ names: [[String]], _ groups: [[Int]], _ known: [Int: [Int]]) -> Bool {
        names.map(\.count) == groups.map(\.count)
            && zip(groups, names).allSatisfy { numbers, names in
                zip(numbers, names).allSatisfy { number, name in shapes[name].map { $0 == known[number] ?? $0 } ?? false
                }
            }
    }
}
