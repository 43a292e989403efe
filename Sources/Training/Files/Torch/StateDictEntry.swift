/// A dictionary of a checkpoint that holds tensors, and how the one of the weights is told from others.
struct StateDictEntry {
    /// The keys that lead to it, such as `model` or `checkpoint.model`; empty for the whole content.
    let key: String
    let id: Pickle.ID
    /// How many tensors it holds.
    let tensors: Int
    /// Whether its tensors have the names by which a model's weights are recognised.
    let hasLandmarks: Bool

    /// Keys that training code gives to the weights, whatever else it saves.
    private static let primary = ["model", "state_dict", "model_state_dict"]
    /// Keys of a training's state, which is no model.
    private static let training: Set = [
        "optimizer", "optimizer_state_dict", "optimizer_states", "lr_scheduler", "lr_schedulers", "scheduler", "scaler",
        "loss_scaler", "amp", "rng_state", "callbacks", "loops", "hyper_parameters",
    ]
    /// How many keys lead to a dictionary at most.
    private static let maximumDepth = 3

    /// All dictionaries with tensors, each once, the outermost first.
    static func all(in objects: TorchObjects, landmarks: [String]) -> [StateDictEntry] {
        let pickle = objects.pickle
        var entries: [StateDictEntry] = []
        var open: [(id: Pickle.ID, key: String, depth: Int)] = [(pickle.root, "", 0)], next = 0
        var seen: Set = [pickle.root]
        while next < open.count {
            let (id, key, depth) = open[next]
            next += 1
            var tensors = 0, found: Set<String> = []
            for member in pickle.members(id) ?? [] {
                if objects.isTensor(member.value) {
                    tensors += 1
                    guard found.count < landmarks.count, let name = pickle.text(member.key, atMost: 200) else {
                        continue
                    }
                    for landmark in landmarks where name.hasSuffix(landmark) { found.insert(landmark) }
                } else if pickle.isDictionary(member.value), depth < maximumDepth,
                    let name = pickle.text(member.key, atMost: 100), !training.contains(name),
                    seen.insert(member.value).inserted
                {
                    open.append((member.value, key.isEmpty ? name : "\(key).\(name)", depth + 1))
                }
            }
            if tensors > 0 {
                let hasLandmarks = !landmarks.isEmpty && found.count == landmarks.count
                entries.append(StateDictEntry(key: key, id: id, tensors: tensors, hasLandmarks: hasLandmarks))
            }
        }
        return entries
    }

    /// The one of the weights, if it is certain; nil if several can be meant, or there is none.
    ///
    /// Weights are preferred to other tensors, a model to averages of its weights, a usual key to others, and the whole
    /// content to what is a small part of it.
    static func weights(among entries: [StateDictEntry]) -> StateDictEntry? {
        let landmarked = entries.filter(\.hasLandmarks)
        let models = landmarked.isEmpty ? entries : landmarked
        if models.count == 1 { return models[0] }
        let plain = models.filter { !WeightsNames.meansAverage($0.key) }
        if plain.count == 1 { return plain[0] }
        let usual = plain.filter { primary.contains($0.key) }
        if usual.count == 1 { return usual[0] }
        let whole = plain.first { $0.key.isEmpty }
        return usual.isEmpty ? whole.flatMap { 2 * $0.tensors > plain.reduce(0) { $0 + $1.tensors } ? $0 : nil } : nil
    }

    /// Such as `'model' (152 tensors)`.
    var text: String {
        let name = key.isEmpty ? "no key" : "'\(TorchCheckpointError.shown(key))'"
        return "\(name) (\(WeightsNames.count(tensors)))"
    }
}
