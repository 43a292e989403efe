import Apus

extension Replay {
    /// Fine-tuning: class scores of kept and of all patches, attention, gradients, and some steps of the optimizer.
    static func fineTuning(_ recording: Recording, _ compiler: Compiler) throws(ReplayError) -> [Comparison] {
        var recording = recording
        let recorded = try RecordedModel(recording)
        let (model, configuration, batch) = (recorded.model, recorded.configuration, recorded.batch)
        guard recorded.description.drop_path ?? 0 == 0 else {
            throw ReplayError(
                .unsupported, path: recording.path, "this version replays fine-tuning without drop path only")
        }
        let smoothing = recorded.description.label_smoothing ?? 0
        guard (0..<1).contains(smoothing) else {
            throw ReplayError(
                .badDescription, path: recording.path, "a label smoothing of \(smoothing) is not in 0..<1")
        }
        let options = FineTuningOptions(
            smoothing: smoothing, dropPath: 0, pooling: recorded.description.global_pool ?? true ? .mean : .classToken,
            masking: recorded.masking)
        let declaration = { (optimizer: Optimizer) in
            model.fineTuning(batch: batch, options: options, permutation: .replayed, optimizer: optimizer)
        }
        let parameters = try running(recording) {
            try declaration(.sgd(learningRate: 0)).trace().graph.parameters.map(\.operation)
        }
        let step = declaration(try recorded.optimizer(weights: Set(parameters.map(\.name))))
        let decay = recorded.description.optimizer.layer_decay ?? 1
        guard decay > 0, decay <= 1 else {
            throw ReplayError(
                .badDescription, path: recording.path, "a layer decay of \(decay) is not above 0 and up to 1")
        }
        let inputs = try recorded.inputs(&recording)
        let training = try RecordedTraining(
            &recording, parameters: parameters, steps: recorded.description.steps,
            learningRate: recorded.description.optimizer.lr)
        let (tokens, grid) = (configuration.tokens + 1, configuration.grid)
        let keptLogits = try recording.floats("expect.logits", [batch, configuration.classes])
        let allLogits = try recording.floats("expect.logits_unmasked", [batch, configuration.classes])
        let map = try recording.floats("expect.mask_weights_grid", [batch, grid, grid])
        let attention = try recording.floats(
            "expect.attention_last_block", [batch, configuration.heads, tokens, tokens])
        try recording.expectNothingLeft()

        let tolerances = Tolerances.of(compiler.options.precision)
        return try running(recording) {
            func results(_ step: InferenceStep) throws -> StepReport {
                try outputs(of: step, compiler, weights: training.weights, inputs: inputs)
            }
            let whole = try results(model.classification(batch: batch, pooling: options.pooling))
            let maps = try results(model.attentionMap(batch: batch))
            let shares = try results(model.lastAttention(batch: batch))
            let program = try compiler.compile(step, [.update, .output]) {
                model.learningRateScale(of: $0, decay: decay)
            }
            return try training.replay(program, inputs: inputs, within: tolerances) { report in
                [tolerances.forward("expect.logits", report["logits"]?.floats ?? [], keptLogits.floats)]
            } + [
                tolerances.forward("expect.logits_unmasked", whole["logits"]?.floats ?? [], allLogits.floats),
                tolerances.forward("expect.mask_weights_grid", maps["mask_weights"]?.floats ?? [], map.floats),
                tolerances.forward("expect.attention_last_block", shares["attention"]?.floats ?? [], attention.floats),
            ]
        }
    }
}
