/// The ways in which training code numbers the weights of a model for an optimizer.
struct TorchWeightNumbering {
    struct Failure: Error { let message: String }

    private typealias Weight = (name: String, shape: [Int])
    /// The tensors of the state dict that can be weights, in its order, which is that of `named_parameters()`.
    private let weights: [Weight]
    private let shapes: [String: [Int]]

    init(weights: [(name: String, shape: [Int])]) {
        let buffers = [".running_mean", ".running_var", ".num_batches_tracked"]
        self.weights = weights.filter { weight in !buffers.contains { weight.name.hasSuffix($0) } }
        shapes = Dictionary(self.weights.map { ($0.name, $0.shape) }) { $1 }
    }

    /// The weight that each number means; `shapes` has those of numbers that state is kept for.
    func names(groups: [[Int]], givenNames: [[String]], shapes known: [Int: [Int]]) throws(Failure) -> [Int: String] {
        let numbers = groups.flatMap { $0 }
        guard Set(numbers).count == numbers.count else { throw Failure(message: "a weight is in two of its groups") }
        var fitting: Set<[[String]]> = []
        let candidates = givenNames.isEmpty ? self.candidates() : [givenNames]
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

    private func candidates() -> [[[String]]] {
        // All weights; without position tables, which MAE does not train; or the head alone, as in linear probing.
        let trained = [
            weights, weights.filter { !$0.name.hasSuffix("pos_embed") }, weights.filter { $0.name.hasPrefix("head.") },
        ]
        return trained.flatMap { weights in
            [[weights.map(\.name)]]
                + [[], ["pos_embed", "cls_token", "dist_token"]].flatMap { undecayed in
                    [byDecay(weights, undecayed), byLayer(weights, undecayed)]
                }
        }
    }

    /// As timm's `add_weight_decay`: biases, vectors and named weights, which do not decay, before the others.
    private func byDecay(_ weights: [Weight], _ undecayed: Set<String>) -> [[String]] {
        let isUndecayed = { (weight: Weight) in
            weight.shape.count <= 1 || weight.name.hasSuffix(".bias") || undecayed.contains(weight.name)
        }
        return [weights.filter(isUndecayed).map(\.name), weights.filter { !isUndecayed($0) }.map(\.name)]
    }

    /// As MAE's `param_groups_lrd`: a group for each layer and decay, in the order in which they first occur.
    private func byLayer(_ weights: [Weight], _ undecayed: Set<String>) -> [[String]] {
        var groups: [[String]] = []
        var places: [String: Int] = [:]
        for weight in weights {
            let decays = weight.shape.count > 1 && !undecayed.contains(weight.name)
            let place = places["\(Self.layer(weight.name)) \(decays)"] ?? groups.count
            places["\(Self.layer(weight.name)) \(decays)"] = place
            if place == groups.count { groups.append([]) }
            groups[place].append(weight.name)
        }
        return groups
    }

    /// The layer that a weight of a ViT belongs to, as MAE's `get_layer_id_for_vit`: embedding, a block, or what
    /// follows the blocks.
    private static func layer(_ name: String) -> String {
        if name == "cls_token" || name == "pos_embed" || name.hasPrefix("patch_embed") { return "embedding" }
        guard name.hasPrefix("blocks.") else { return "end" }
        return String(name.dropFirst("blocks.".count).prefix { $0 != "." })
    }
}
