import Apus

/// Weights of a pre-trained model that a new one begins with.
struct InitialWeights {
    private let source: WeightsFile

    /// Opens a safetensors file, a file that PyTorch has written, or the newest checkpoint of a run's folder.
    init(_ path: String) throws { source = try WeightsFile(contentsOf: SavedModel.file(path)) }

    /// Names that the encoder and the class token, which every model needs, begin with.
    private static let encoder = ["cls_token", "pos_embed", "patch_embed.", "blocks."]
    /// Names of what pre-training alone needs begin with.
    private static let preTraining = ["decoder_", "mask_token"]

    /// Copies all weights that the model and the file have in common, and says what was done.
    ///
    /// The head of a pre-trained model is dropped with its decoder. Throws ``RunError/unfitCheckpoint(path:problems:)`` if a weight of the
    /// encoder is missing or has another shape.
    func load(into state: ProgramState, _ configuration: Configuration) throws -> [String] {
        let wanted = state.savedNames.filter { name in
            state.type(of: name)?.element == .f32 && !["optimizer.", ProgramState.averagePrefix].contains { name.hasPrefix($0) }
        }
        let isPreTrained = source.names.contains { name in Self.preTraining.contains { name.hasPrefix($0) } }
        var positions: String?
        var used: [String] = [], missing: [String] = [], others: [String] = [], problems: [String] = []
        for name in wanted {
            guard let shape = state.type(of: name)?.shape else { continue }
            let isEncoder = Self.encoder.contains { name.hasPrefix($0) }
            guard source.names.contains(name), !(isPreTrained && name.hasPrefix("head.")) else {
                if isEncoder { problems.append("'\(name)' is missing") } else { missing.append(name) }
                continue
            }
            let there = try source.shape(name)
            if name == "pos_embed", let resized = try Self.resized(source.floats(name), there, to: configuration) {
                try state.write(name, TensorData(resized.table, shape: shape))
                positions = resized.note
                used.append(name)
                continue
            }
            guard there == shape else {
                let difference = "'\(name)' is \(there) in the file and \(shape) in the model"
                if isEncoder { problems.append(difference) } else { others.append(difference) }
                continue
            }
            try state.write(name, TensorData(source.floats(name), shape: shape))
            used.append(name)
        }
        guard problems.isEmpty else { throw RunError.unfitCheckpoint(path: source.path, problems: problems) }
        let left = source.names.filter { name in
            !wanted.contains(name) && name != AttentionMaps.tensorName
        }
        return ["\(used.count) of \(wanted.count) weights from \(source.path)"] + [positions].compactMap { $0 }
            + [("new", missing), ("of another shape, and new", others), ("left out", left)].compactMap { what, names in
                names.isEmpty ? nil : "  \(what): \(Self.short(names))"
            }
    }

    /// A position table [1, 1 + grid², dim] for another grid of patches; nil for one that needs no resizing, or is none.
    private static func resized(
        _ table: [Float], _ shape: [Int], to configuration: Configuration
    ) -> (table: [Float], note: String)? {
        let grid = Int(Double(max(shape.dropFirst().first ?? 0, 1) - 1).squareRoot().rounded())
        guard grid != configuration.grid, grid > 0, shape == [1, 1 + grid * grid, configuration.dim] else { return nil }
        return (
            positionTable(resizing: table, fromGrid: grid, toGrid: configuration.grid, dim: configuration.dim),
            "  positions of \(grid) x \(grid) patches resized to \(configuration.grid) x \(configuration.grid)")
    }

    /// Names, those of one part as one.
    private static func short(_ names: [String]) -> String {
        var parts: [(part: String, count: Int)] = []
        for name in names {
            let part = name.split(separator: ".").first.map(String.init) ?? name
            if name.contains("."), let index = parts.firstIndex(where: { $0.part == part + ".*" }) {
                parts[index].count += 1
            } else {
                parts.append((name.contains(".") && !name.contains(" ") ? part + ".*" : name, 1))
            }
        }
        return parts.map { $0.count > 1 ? "\($0.part) (\($0.count))" : $0.part }.joined(separator: ", ")
    }
}
