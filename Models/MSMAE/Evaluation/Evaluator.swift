import Apus

/// Runs a classifier over images, on all tokens or on those that masking keeps.
final class Evaluator {
    let images: EvaluationImages
    private let model: MaskedAutoencoder
    private let settings: any ClassifierSettings
    private let seed: Int
    private let compiler: RunCompiler
    private var classifiers: [EvaluationPath: CompiledStep] = [:]
    private var map: CompiledStep?

    init(
        _ model: MaskedAutoencoder, _ settings: any ClassifierSettings, _ images: EvaluationImages, seed: Int,
        _ compiler: RunCompiler
    ) {
        (self.model, self.settings, self.images, self.seed, self.compiler) = (model, settings, images, seed, compiler)
    }

    private var configuration: Configuration { model.configuration }
    private var batch: Int { images.loader.batchSize }

    /// Classifies all images with the averages of weights, where there are any; nil if `shouldStop` has ended it early.
    ///
    /// The masks of the masked path are a function of the seed, the batch's size and the attention maps. Ranks take
    /// turns with batches, and each gets the whole evaluation.
    func evaluate(_ state: ProgramState, _ path: EvaluationPath, shouldStop: () -> Bool) throws -> Evaluation? {
        let ranks = compiler.ranks, count = images.loader.items.count
        guard let own = try ranks.together("the evaluation", { try part(state, path, shouldStop: shouldStop) }) else {
            return nil
        }
        return try Evaluation(
            path: path,
            logits: ranks.gathered(own.logits, at: own.places, of: count, width: configuration.classes),
            features: ranks.gathered(own.features, at: own.places, of: count, width: configuration.dim),
            labels: images.labels, classes: configuration.classes, secondsPerImage: own.secondsPerImage)
    }

    /// What a rank has made of its images, and which they are.
    private struct Part {
        var places: [Int] = [], logits: [Float] = [], features: [Float] = [], secondsPerImage = 0.0
    }

    private func part(_ state: ProgramState, _ path: EvaluationPath, shouldStop: () -> Bool) throws -> Part? {
        let classifier = try classifier(path), map = path == .masked ? try mapProgram() : nil
        for program in [classifier, map] { try program?.addParameters(to: state, seed: 0) }
        let state = try state.averaged(classifier.program.parameters)
        let batches = try images.loader.epoch(0, dropLast: false)
        defer { batches.stop() }
        var part = Part(), seconds = 0.0, batchCount = 0
        while let batch = try batches.next() {
            if shouldStop() { return nil }
            var inputs = ["images": try batch.images(filledUpTo: self.batch, configuration)]
            if let map {
                let maps = try map.run(state, inputs)["mask_weights"]?.floats ?? []
                inputs["mask_weights"] = try TensorData(maps, shape: [self.batch, configuration.tokens])
                // Images are in order: the batch is this one on any number of ranks.
                let number = batch.indices[0] / self.batch
                inputs["random_key"] = try BatchPlace(seed: seed, step: 0, number: number).key(for: .evaluation)
            }
            let (report, time) = try Clock.time { try classifier.run(state, inputs) }
            part.logits += report["logits"]?.floats.prefix(batch.count * configuration.classes) ?? []
            part.features += report["features"]?.floats.prefix(batch.count * configuration.dim) ?? []
            part.places += batch.indices
            seconds += time
            batchCount += 1
        }
        part.secondsPerImage = seconds / Double(max(1, batchCount) * self.batch)
        return part
    }

    /// A state with weights from elsewhere, which the first rank has.
    func state(filledBy load: ([Parameter], ProgramState) throws -> Void) throws -> ProgramState {
        let state = ProgramState(), program = try classifier(.all)
        try program.addParameters(to: state, seed: 0)
        try compiler.ranks.fromFirst("loading weights", state) { try load(program.program.parameters, state) }
        return state
    }

    /// What a path costs for one image.
    func cost(_ path: EvaluationPath) throws -> EvaluationCost {
        EvaluationCost(
            tokens: configuration.encoderTokens(path.masking),
            classification: ModelCost(
                of: try settings.classification(of: model, batch: 1, masking: path.masking).trace()),
            map: path == .masked ? ModelCost(of: try model.attentionMap(batch: 1).trace()) : nil)
    }

    private func classifier(_ path: EvaluationPath) throws -> CompiledStep {
        if let program = classifiers[path] { return program }
        let program = try compiler.compile(
            "classification of \(path == .all ? "all" : "kept") tokens",
            settings.classification(of: model, batch: batch, masking: path.masking))
        classifiers[path] = program
        return program
    }

    private func mapProgram() throws -> CompiledStep {
        if let map { return map }
        let program = try compiler.compile("attention maps of the validation images", model.attentionMap(batch: batch))
        map = program
        return program
    }
}

extension CounterRandom.Purpose {
    /// The key of the masks of one batch in evaluation.
    static let evaluation = CounterRandom.Purpose(rawValue: 17)
}
