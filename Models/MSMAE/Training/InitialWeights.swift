import Apus

/// Weights of a pre-trained model that a new one begins with.
struct InitialWeights {
    private let source: WeightsFile
    /// What the names of the encoder's weights begin with in the new model; in the file they may do without.
    private let prefix: String
    /// Whether the new model is to be pre-trained: its head is that of pre-training.
    private let isForPreTraining: Bool

    /// Opens a safetensors file, a file that PyTorch has written, or the newest checkpoint of a run's folder, as
    /// settings say; nil where they say that a run begins with random weights.
    init?<Settings: ModelSettings>(_ settings: Settings, encoder prefix: String = "") throws {
        guard settings.initialWeights != Settings.noFile else { return nil }
        source = try WeightsFile(
            contentsOf: SavedModel.file(settings.initialWeights),
            selection: .visionTransformer(key: settings.weightsKey, prefix: settings.weightsPrefix))
        self.prefix = prefix
        isForPreTraining = Settings.kind == .pretrain
    }

    /// The name in the file of a weight of the model.
    private func sourceName(_ name: String) -> String {
        let bare = String(name.dropFirst(prefix.count))
        return name.hasPrefix(prefix) && !source.names.contains(name) && source.names.contains(bare) ? bare : name
    }

    /// Names that the encoder and the class token, which every model needs, begin with.
    private static let encoder = ["cls_token", "pos_embed", "patch_embed.", "blocks."]
    /// Names of what pre-training alone needs begin with.
    private static let preTraining = ["decoder_", "mask_token"]

    /// Copies all weights that the model and the file have in common, and says what was done.
    ///
    /// A head is taken for its own use only: that of a pre-trained model for pre-training, any other one elsewhere.
    /// Throws ``RunError/unfitCheckpoint(path:problems:hint:)`` if a weight of the encoder is missing or has another
    /// shape.
    func load(into state: ProgramState, _ configuration: Configuration) throws -> [String] {
        let wanted = state.savedNames.filter { name in
            state.type(of: name)?.element == .f32
                && !["optimizer.", ProgramState.averagePrefix].contains { name.hasPrefix($0) }
        }
        let isPreTrained = source.names.contains { name in Self.preTraining.contains { name.hasPrefix($0) } }
        var positions: String?
        var used: [String] = [], encoder = 0, missing: [String] = [], others: [String] = [], problems: [String] = []
        for name in wanted {
            guard let shape = state.type(of: name)?.shape else { continue }
            let isEncoder = Self.encoder.contains { name.hasPrefix(prefix + $0) }, there = sourceName(name)
            guard source.names.contains(there), !name.hasPrefix("head.") || isPreTrained == isForPreTraining else {
                if isEncoder { problems.append("'\(name)' is missing") } else { missing.append(name) }
                continue
            }
            let shapeThere = try source.shape(there)
            if name == prefix + "pos_embed",
                let resized = try Self.resized(source.floats(there), shapeThere, to: configuration)
            {
                try state.write(name, TensorData(resized.table, shape: shape))
                positions = resized.note
                used.append(name)
                continue
            }
            guard shapeThere == shape else {
                let difference = "'\(name)' is \(shapeThere) in the file and \(shape) in the model"
                if isEncoder { problems.append(difference) } else { others.append(difference) }
                continue
            }
            try state.write(name, TensorData(source.floats(there), shape: shape))
            used.append(name)
            if isEncoder { encoder += 1 }
        }
        guard problems.isEmpty else {
            throw RunError.unfitCheckpoint(
                path: source.path, problems: problems,
                hint: encoder == 0 && problems.contains { $0.hasSuffix("missing") } ? source.overview : source.partNote)
        }
        let known = Set(wanted.map(sourceName))
        let left = source.names.filter { name in
            !known.contains(name) && name != AttentionMaps.tensorName
        }
        return ["\(used.count) of \(wanted.count) weights from \(source.path)"]
            + [source.choice.map { "  \($0)" }, positions].compactMap(\.self)
            + [("new", missing), ("of another shape, and new", others), ("left out", left)].compactMap { what, names in
                names.isEmpty ? nil : "  \(what): \(Self.short(names))"
            }
    }

    /// A position table [1, 1 + grid², dim] for another grid of patches; nil for one that needs no resizing, or is
    /// none.
    private static func resized(
        _ table: [Float], _ shape: [Int], to configuration: Configuration
    ) -> (table: [Float], note: String)? {
        let grid = Int(Double(max(shape.dropFirst().first ?? 0, 1) - 1).squareRoot().rounded())
        guard grid != configuration.grid, grid > 0, shape == [1, 1 + grid * grid, configuration.dim] else { return nil }
        return (
            positionTable(resizing: table, fromGrid: grid, toGrid: configuration.grid, dim: configuration.dim),
            "  positions of \(grid) x \(grid) patches resized to \(configuration.grid) x \(configuration.grid)"
        )
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
