import Apus

extension Replay {
    /// Pre-training: the predictions and the mask of a batch, losses, gradients, and some steps of the optimizer.
    static func preTraining(_ recording: Recording, _ compiler: Compiler) throws(ReplayError) -> [Comparison] {
        var recording = recording
        let recorded = try RecordedModel(recording)
        let (model, configuration, batch) = (recorded.model, recorded.configuration, recorded.batch)
        let declaration = { (optimizer: Optimizer) in
            model.preTraining(batch: batch, masking: recorded.masking, permutation: .replayed, optimizer: optimizer)
        }
        let parameters = try running(recording) {
            try declaration(.sgd(learningRate: 0)).trace().graph.parameters.map(\.operation)
        }
        let step = declaration(try recorded.optimizer(weights: Set(parameters.map(\.name))))
        let inputs = try recorded.inputs(&recording)
        let training = try RecordedTraining(
            &recording, parameters: parameters, steps: recorded.description.steps,
            learningRate: recorded.description.optimizer.lr)
        let reconstructionLoss = try recording.floats("expect.reconstruction_loss", [])
        let classificationLoss = try recording.floats("expect.classification_loss", [])
        let mask = try recording.floats("expect.mask", [batch, configuration.tokens])
        let visible = configuration.tokens - configuration.split(recorded.masking).thrown
        let predictions = try recording.floats("expect.pred", [batch, visible, configuration.patchSize])
        try recording.expectNothingLeft()

        let tolerances = Tolerances.of(compiler.options.precision)
        return try running(recording) {
            let reconstruction = try outputs(
                of: model.reconstruction(batch: batch, masking: recorded.masking, permutation: .replayed), compiler,
                weights: training.weights, inputs: inputs)
            let comparisons = try training.replay(
                compiler.compile(step, [.update, .output]), inputs: inputs, within: tolerances
            ) { report in
                [
                    tolerances.loss(
                        "expect.reconstruction_loss", report["reconstruction_loss"]?.floats ?? [],
                        reconstructionLoss.floats),
                    tolerances.loss(
                        "expect.classification_loss", report["classification_loss"]?.floats ?? [],
                        classificationLoss.floats),
                ]
            }
            return [
                tolerances.forward("expect.mask", reconstruction["mask"]?.floats ?? [], mask.floats),
                tolerances.forward(
                    "expect.pred", visiblePredictions(reconstruction, patchSize: configuration.patchSize),
                    predictions.floats),
            ] + comparisons
        }
    }

    /// The predictions of the patches that were not thrown away, which are those that the public code hands out.
    private static func visiblePredictions(_ report: StepReport, patchSize: Int) -> [Float] {
        guard let mask = report["mask"]?.floats, let predictions = report["predictions"]?.floats else { return [] }
        return mask.indices.filter { mask[$0] >= 0 }.flatMap { predictions[$0 * patchSize..<($0 + 1) * patchSize] }
    }
}
