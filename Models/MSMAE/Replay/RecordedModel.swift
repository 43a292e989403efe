import Apus

/// What a recording of training says of its model, its batch and its optimizer.
struct TrainingDescription: Decodable {
    struct Model: Decodable {
        let img_size: Int, patch_size: Int, in_chans: Int
        let embed_dim: Int, depth: Int, num_heads: Int, mlp_ratio: Double
        let decoder_embed_dim: Int?, decoder_depth: Int?, decoder_num_heads: Int?
    }

    struct Optimizer: Decodable {
        let name: String
        let lr: Double, weight_decay: Double, eps: Double
        let betas: [Double]
        let no_decay: String
        let layer_decay: Double?
    }

    let model: Model
    let num_classes: Int, batch: Int, steps: Int
    let masking: String
    let mask_ratio: Double, throw_ratio: Double
    let layer_norm_eps: Double
    let optimizer: Optimizer
    // Of pre-training.
    let norm_pix_loss: Bool?
    let classification_loss_weight: Double?
    let classification_loss: String?
    // Of fine-tuning.
    let label_smoothing: Double?, drop_path: Double?
    let global_pool: Bool?
}

/// The model of a recording, ready to declare steps.
struct RecordedModel {
    let path: String
    let description: TrainingDescription
    let masking: Masking
    let model: MaskedAutoencoder

    var configuration: Configuration { model.configuration }
    var batch: Int { description.batch }

    init(_ recording: Recording) throws(ReplayError) {
        path = recording.path
        description = try recording.description(TrainingDescription.self)
        func unsupported(_ message: String) -> ReplayError { ReplayError(.unsupported, path: recording.path, message) }
        guard let masking = Masking(rawValue: description.masking) else {
            throw unsupported("the masking '\(description.masking.prefix(40))' is not known to this version")
        }
        self.masking = masking
        let sizes = description.model
        guard let mlpRatio = Int(exactly: sizes.mlp_ratio) else {
            throw unsupported(
                "this version has no blocks whose mlp_ratio is \(sizes.mlp_ratio): it has to be a whole number")
        }
        // A model has tensors for each block, so more blocks than tensors cannot be.
        guard max(sizes.depth, sizes.decoder_depth ?? 0) <= recording.remaining.count else {
            throw ReplayError(.contradiction, path: path, "the file holds too few tensors for the blocks of its model")
        }
        guard 1...1 << 20 ~= description.batch, description.steps >= 0 else {
            throw ReplayError(
                .badDescription, path: path,
                "a batch of \(description.batch) and \(description.steps) steps cannot be replayed")
        }
        var configuration = Configuration()
        (configuration.image, configuration.patch, configuration.channels) = (
            sizes.img_size, sizes.patch_size, sizes.in_chans
        )
        (configuration.dim, configuration.depth, configuration.heads) = (sizes.embed_dim, sizes.depth, sizes.num_heads)
        configuration.mlpRatio = mlpRatio
        if let dim = sizes.decoder_embed_dim { configuration.decoderDim = dim }
        if let depth = sizes.decoder_depth { configuration.decoderDepth = depth }
        if let heads = sizes.decoder_num_heads { configuration.decoderHeads = heads }
        configuration.classes = description.num_classes
        configuration.layerNormEpsilon = description.layer_norm_eps
        switch masking {
        case .attention:
            (configuration.maskRatio, configuration.throwRatio) = (description.mask_ratio, description.throw_ratio)
        case .random:
            guard description.throw_ratio == 0 else { throw unsupported("random masking throws no patches away") }
            configuration.randomMaskRatio = description.mask_ratio
        }
        configuration.normalizePixels = description.norm_pix_loss ?? false
        if let weight = description.classification_loss_weight { configuration.classificationLossWeight = weight }
        configuration.variant = try Self.variant(description.classification_loss, path)
        do {
            model = try MaskedAutoencoder(configuration)
        } catch {
            throw ReplayError(.badDescription, path: path, error.description)
        }
    }

    private static func variant(_ text: String?, _ path: String) throws(ReplayError) -> Configuration.Variant {
        // The public code knows only this one.
        guard let text else { return .released }
        if text.contains("cross entropy of softmax") { return .released }
        if text == "cross entropy" || text.contains("cross entropy of logits")
            || text.contains("cross entropy of the logits")
        {
            return .corrected
        }
        throw ReplayError(
            .unsupported, path: path, "the classification loss '\(text.prefix(100))' is not known to this version")
    }

    /// The optimizer that was recorded; `weights` are the names of the model.
    func optimizer(weights: Set<String>) throws(ReplayError) -> Optimizer {
        let options = description.optimizer
        guard options.name.lowercased() == "adamw" else {
            throw ReplayError(
                .unsupported, path: path, "the optimizer '\(options.name.prefix(40))' is not known to this version")
        }
        guard options.betas.count == 2 else {
            throw ReplayError(.badDescription, path: path, "AdamW has two betas, not \(options.betas.count)")
        }
        return .adamW(
            learningRate: options.lr, betas: (options.betas[0], options.betas[1]), epsilon: options.eps,
            weightDecay: options.weight_decay,
            decays: try decayScope(weights))
    }

    /// Reads what does not decay, such as "1-D tensors, cls_token, pos_embed".
    private func decayScope(_ weights: Set<String>) throws(ReplayError) -> WeightDecayScope {
        let items = description.optimizer.no_decay.split(separator: ",").flatMap { $0.split(separator: " and ") }
            .map { String($0.drop { $0 == " " }) }
        for item in items where !["1-D tensors", "biases"].contains(item) && !weights.contains(item) {
            throw ReplayError(
                .unsupported, path: path, "weights without decay: '\(item.prefix(100))' is not known to this version")
        }
        let (skipsVectors, skipsBiases) = (items.contains("1-D tensors"), items.contains("biases"))
        let names = Set(items)
        return .only { name, shape in
            !(skipsVectors && shape.count <= 1) && !(skipsBiases && name.hasSuffix("bias")) && !names.contains(name)
        }
    }

    /// The recorded batch and permutation, by the names of the program's inputs.
    func inputs(_ recording: inout Recording) throws(ReplayError) -> [String: TensorData] {
        let (side, tokens) = (configuration.image, configuration.tokens)
        let images = try recording.floats("input.images", [batch, configuration.channels, side, side])
        let labels = try recording.integers("input.labels", [batch], in: 0..<configuration.classes)
        let order = try recording.integers("input.ids_shuffle", [batch, tokens], in: 0..<tokens)
        let patches = order.integers
        for image in 0..<batch where Set(patches[image * tokens..<(image + 1) * tokens]).count < tokens {
            throw ReplayError(
                .contradiction, path: path, "row \(image) of input.ids_shuffle is not a permutation of 0..<\(tokens)")
        }
        // The weights that the permutation was drawn with: the permutation itself stands in for them.
        if masking == .attention || recording.contains("input.mask_weights") {
            _ = try recording.floats("input.mask_weights", [batch, 1, side, side])
        }
        return ["images": images, "labels": labels, "ids_shuffle": order]
    }
}
