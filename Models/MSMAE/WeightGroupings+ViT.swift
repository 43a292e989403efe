import Apus

extension WeightsSelection {
    /// The weights of a vision transformer with the names of timm, which MAE and MSMAE have too.
    public static func visionTransformer(key: String? = nil, prefix: String? = nil) -> WeightsSelection {
        WeightsSelection(
            key: key, prefix: prefix,
            landmarks: ["cls_token", "patch_embed.proj.weight", "blocks.0.norm1.weight"])
    }
}

extension WeightGroupings {
    /// As the public training code for vision transformers groups weights: that of MAE and MSMAE, which takes its
    /// functions from timm.
    public static let visionTransformer = WeightGroupings { weights in
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
    private static func byDecay(_ weights: [Weight], _ undecayed: Set<String>) -> [[String]] {
        let isUndecayed = { (weight: Weight) in
            weight.shape.count <= 1 || weight.name.hasSuffix(".bias") || undecayed.contains(weight.name)
        }
        return [weights.filter(isUndecayed).map(\.name), weights.filter { !isUndecayed($0) }.map(\.name)]
    }

    /// As MAE's `param_groups_lrd`: a group for each layer and decay, in the order in which they first occur.
    private static func byLayer(_ weights: [Weight], _ undecayed: Set<String>) -> [[String]] {
        var groups: [[String]] = []
        var places: [String: Int] = [:]
        for weight in weights {
            let decays = weight.shape.count > 1 && !undecayed.contains(weight.name)
            let place = places["\(layer(weight.name)) \(decays)"] ?? groups.count
            places["\(layer(weight.name)) \(decays)"] = place
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
