/// The state of a PyTorch optimizer, by the names of the weights.
///
/// PyTorch numbers the weights in the order of the optimizer's groups and does not save their names (unless the
/// optimizer was made of named parameters, whose `param_names` are used). The names follow if exactly one way to form
/// the groups, of the ``WeightGroupings`` that the reader of the file knows, agrees with the number of groups, with
/// their sizes and with every shape.
public struct TorchOptimizerState: Sendable {
    /// How often the weights have been updated; nil of an optimizer that does not count, such as SGD.
    public let step: Int?
    /// Names of the tensors: `optimizer.exp_avg.NAME` and `optimizer.exp_avg_sq.NAME` (Adam), or
    /// `optimizer.momentum.NAME`.
    public let names: [String]

    let tensors: [String: TorchTensor]

    /// Our names of the tensors that optimizers keep for each weight.
    private static let kinds = ["exp_avg": "exp_avg", "exp_avg_sq": "exp_avg_sq", "momentum_buffer": "momentum"]

    /// Reads an optimizer's state dict for the weights of the state dict, in its order; `prefix` is what their names
    /// begin with in the file.
    init(
        _ id: Pickle.ID, _ objects: TorchObjects, _ weights: [WeightGroupings.Weight], prefix: String,
        _ groupings: WeightGroupings
    ) throws(TorchCheckpointError) {
        let pickle = objects.pickle
        func unusable(_ message: String) -> TorchCheckpointError {
            TorchCheckpointError(
                .unusableOptimizer, path: objects.path, "the optimizer's state cannot be used: \(message)")
        }
        guard let groupList = pickle.member(id, "param_groups").flatMap(pickle.sequence),
            let stateID = pickle.member(id, "state"), pickle.isDictionary(stateID)
        else { throw unusable("it has no \"state\" and \"param_groups\"") }

        // The same large dictionary or list can stand for every group, weight and name of a hostile file: what is made
        // of it is counted before it is made.
        guard pickle.count(stateID) <= weights.count else {
            throw unusable("it has state for more weights than the state dict has")
        }
        let state = pickle.members(stateID) ?? []
        guard groupList.count <= 1000, groupList.allSatisfy({ pickle.count($0) <= 100 }),
            state.allSatisfy({ pickle.count($0.value) <= 10 })
        else {
            throw unusable("it has more groups, or more about each weight, than any optimizer")
        }
        var groups: [[Int]] = [], givenNames: [[String]] = []
        var count = 0
        let known = Dictionary(weights.map { ($0.name, $0.name) }) { first, _ in first }
        for group in groupList {
            guard let items = pickle.member(group, "params").flatMap(pickle.sequence) else {
                throw unusable("a group has no \"params\"")
            }
            count += items.count
            let numbers = count <= weights.count ? items.compactMap(pickle.integer) : []
            guard numbers.count == items.count else {
                throw unusable("its groups have more weights than the state dict, or some without a number")
            }
            groups.append(numbers)
            if let names = pickle.member(group, "param_names").flatMap(pickle.sequence) {
                guard names.count == numbers.count else {
                    throw unusable("a group has \(numbers.count) weights and \(names.count) names of weights")
                }
                givenNames.append(
                    try names.map { id throws(TorchCheckpointError) in
                        let name = pickle.text(id) ?? ""
                        // The state dict's own text, so that a long name takes its memory once.
                        let bare = name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : name
                        guard let weight = known[bare] else {
                            throw unusable("it names \"\(TorchCheckpointError.shown(name))\", which is no weight")
                        }
                        return weight
                    })
            }
        }

        var found: [Int: [(kind: String, tensor: TorchTensor)]] = [:]
        var steps: Set<Int> = []
        for (key, value) in state {
            guard let index = pickle.integer(key), let entries = pickle.members(value) else {
                throw unusable("the state of a weight is no dictionary")
            }
            for entry in entries {
                let name = pickle.text(entry.key) ?? ""
                if name == "step" {
                    guard let step = try Self.step(entry.value, objects) else {
                        throw unusable("the step of weight \(index) is no number")
                    }
                    steps.insert(step)
                } else if let kind = Self.kinds[name] {
                    // Without momentum, SGD saves None.
                    if case .none = pickle[entry.value] { continue }
                    guard
                        case .tensor(let tensor) = try objects.meaning(entry.value, place: "optimizer.\(kind).\(index)"),
                        tensor.elementType.isFloatingPoint
                    else { throw unusable("\"\(name)\" of weight \(index) is no tensor of floating-point numbers") }
                    found[index, default: []].append((kind, tensor))
                } else {
                    throw unusable(
                        "it keeps \"\(TorchCheckpointError.shown(name))\" for weight \(index), which no optimizer of this program does"
                    )
                }
            }
        }
        guard steps.count <= 1 else {
            throw unusable(
                "its weights were updated \(steps.min() ?? 0) to \(steps.max() ?? 0) times, not equally often")
        }

        var shapes: [Int: [Int]] = [:]
        for (index, entries) in found {
            guard let shape = entries.first?.tensor.shape, entries.allSatisfy({ $0.tensor.shape == shape }) else {
                throw unusable("the tensors of weight \(index) have different shapes")
            }
            shapes[index] = shape
        }
        let assignment: [Int: String]
        do {
            assignment =
                found.isEmpty
                ? [:]
                : try TorchWeightNumbering(weights: weights, groupings).names(
                    groups: groups, givenNames: givenNames, shapes: shapes)
        } catch {
            throw unusable(error.message)
        }
        var tensors: [String: TorchTensor] = [:]
        for (index, entries) in found {
            guard let name = assignment[index] else { throw unusable("weight \(index) is in none of its groups") }
            for entry in entries { tensors["optimizer.\(entry.kind).\(name)"] = entry.tensor }
        }
        (self.tensors, names, step) = (tensors, tensors.keys.sorted(), steps.first)
    }

    /// A number of updates: an integer, or a tensor of one number, whose bytes the pickle cannot tell.
    private static func step(_ id: Pickle.ID, _ objects: TorchObjects) throws(TorchCheckpointError) -> Int? {
        if let number = objects.pickle.number(id) { return Int(exactly: number) }
        guard case .tensor(let tensor) = try objects.meaning(id, place: "optimizer.step"),
            tensor.shape.reduce(1, *) == 1,
            tensor.elementType.isFloatingPoint
        else { return nil }
        return objects.numbers(of: tensor).first.flatMap { Int(exactly: $0) }
    }
}
