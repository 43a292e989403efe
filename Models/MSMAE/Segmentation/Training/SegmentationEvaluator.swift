import Apus

/// Runs a segmentation model over images with masks.
final class SegmentationEvaluator {
    let loader: SegmentationLoader
    private let model: SegmentationModel
    private let compiler: RunCompiler
    private var program: CompiledStep?

    init(_ model: SegmentationModel, _ loader: SegmentationLoader, _ compiler: RunCompiler) {
        (self.model, self.loader, self.compiler) = (model, loader, compiler)
    }

    /// Compares what the model finds in all images with their masks; nil if `shouldStop` has ended it early. Ranks take
    /// turns with batches, and each gets the whole evaluation.
    func evaluate(_ state: ProgramState, shouldStop: () -> Bool = { false }) throws -> (
        evaluation: SegmentationEvaluation, secondsPerImage: Double
    )? {
        let ranks = compiler.ranks, classes = model.configuration.classes, count = loader.items.count
        guard let own = try ranks.together("the evaluation", { try part(state, shouldStop: shouldStop) }) else {
            return nil
        }
        let counts = try ranks.gathered(
            own.images.flatMap(\.counts), at: own.places, of: count, width: classes)
        let losses = try ranks.gathered(own.images.map(\.loss), at: own.places, of: count, width: 1)
        var evaluation = SegmentationEvaluation(classes: classes)
        for image in 0..<count {
            evaluation.add(.init(counts: Array(counts[image * classes..<(image + 1) * classes]), loss: losses[image]))
        }
        return (evaluation, own.secondsPerImage)
    }

    /// What a rank has made of its images, which they are, and seconds for each.
    private func part(_ state: ProgramState, shouldStop: () -> Bool) throws -> (
        places: [Int], images: [SegmentationEvaluation.Image], secondsPerImage: Double
    )? {
        let program = try compiled()
        try program.addParameters(to: state, seed: 0)
        let batches = try loader.epoch(0, dropLast: false)
        defer { batches.stop() }
        let configuration = model.configuration, size = loader.batchSize, side = loader.imageSize
        let count = configuration.classes * side * side
        var places: [Int] = [], found: [SegmentationEvaluation.Image] = [], seconds = 0.0, batchCount = 0
        while let batch = try batches.next() {
            if shouldStop() { return nil }
            let images = try batch.padded(to: size).images.tensor(
                shape: [size, configuration.encoder.channels, side, side])
            let (report, time) = try Clock.time { try program.run(state, ["images": images]) }
            let logits = report["logits"]?.floats ?? []
            for image in 0..<batch.count {
                let range = image * count..<(image + 1) * count
                found.append(
                    .init(
                        logits: logits[range], masks: Array(batch.masks[range])[...], classes: configuration.classes))
            }
            places += batch.indices
            seconds += time
            batchCount += 1
        }
        return (places, found, seconds / Double(max(1, batchCount) * size))
    }

    /// A state with weights from elsewhere, which the first rank has.
    func state(filledBy load: ([Parameter], ProgramState) throws -> Void) throws -> ProgramState {
        let state = ProgramState(), program = try compiled()
        try program.addParameters(to: state, seed: 0)
        try compiler.ranks.fromFirst("loading weights", state) { try load(program.program.parameters, state) }
        return state
    }

    /// The evaluation of a checkpoint, as a line of the report.
    func result(_ state: ProgramState, checkpoint: String, epoch: Int) throws -> SegmentationReport.Result? {
        guard let (evaluation, seconds) = try evaluate(state) else { return nil }
        let cost = ModelCost(of: try Pass.decompose.run(model.segmentation(batch: 1).trace()))
        return SegmentationReport.Result(
            checkpoint: checkpoint, epoch: epoch, loss: evaluation.loss, iou: evaluation.iou, meanF1: evaluation.f1,
            imageIoU: evaluation.imageIoU,
            imageF1: evaluation.imageF1, classIoU: evaluation.counts.map(\.iou), f1: evaluation.counts.map(\.f1),
            tokens: model.configuration.encoder.tokens + 1, gflops: Double(2 * cost.total) / 1e9,
            msPerImage: seconds * 1000)
    }

    private func compiled() throws -> CompiledStep {
        if let program { return program }
        let program = try compiler.compile("segmentation", model.segmentation(batch: loader.batchSize))
        self.program = program
        return program
    }
}
