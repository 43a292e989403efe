import Apus

/// A trained classifier as a checkpoint has it: to evaluate it on a folder of images, and to ask for the class of
/// single ones.
public final class Classifier {
    /// Names of the classes, in the order of the probabilities; numbers from 0 on for a file that does not tell.
    public let classes: [String]
    /// What was taken for granted of a file that this program has not written.
    public var notes: [String] {
        saved.notes
            + (saved.classes == nil
                ? ["\(saved.path): \(classes.count) classes without names, which --classes gives"] : [])
    }
    /// How image files are read, as in training.
    public var decoder: ImageDecoder { settings.decoder }
    private let saved: SavedModel
    private let settings: any ClassifierSettings
    private let model: MaskedAutoencoder
    private let compiler: RunCompiler
    private let threads: Int?
    private var single: (program: CompiledStep, state: ProgramState)?

    /// Opens a checkpoint, or the newest one of a run's folder; without `threads`, as many are used as `ThreadChoice`
    /// says. `reading` says what to take of a file that this program has not written.
    ///
    /// Throws if it is broken, or holds no classifier.
    public init(
        checkpoint path: String, reading: WeightsReading = WeightsReading(), threads: Int? = nil,
        pinned: Bool = false, output: TrainingOutput = .silent
    ) throws {
        saved = try SavedModel(checkpoint: path, reading: reading)
        guard let settings = saved.settings as? any ClassifierSettings else {
            throw EvaluationError.noClassifier(path: saved.path, kind: saved.kind)
        }
        self.settings = settings
        self.threads = threads
        classes = saved.classes ?? (0..<saved.configuration.classes).map(String.init)
        model = try MaskedAutoencoder(saved.configuration)
        compiler = try RunCompiler(saved.options, threads: threads, pinned: pinned, output)
    }

    /// Measures the classifier on DATA/PART/CLASS/IMAGE, on each path that it is made for.
    ///
    /// Returns also why images were skipped, and what a user should know of the folder. The masks of the masked path
    /// depend on the seed and on the size of the batches, and are those of the run with its own. So are the `limits` of
    /// image files. The run's cache of images is not used, another one may be.
    public func evaluate(
        _ data: String, part: String = "val", batch: Int? = nil, seed: Int? = nil, skipUnreadable: Bool = false,
        limits: ImageDecoder.Limits? = nil, cache: ImageCache? = nil
    ) throws -> (report: EvaluationReport, skipped: [DataError], remarks: [String]) {
        var settings = settings
        settings.threads = threads
        let classes = try saved.classes ?? classes(of: "\(data)/\(part)")
        let images = try EvaluationImages(
            data, part, classes: classes, batch: batch ?? settings.batch, imageSize: saved.configuration.image,
            threads: settings.readers,
            skipUnreadable: skipUnreadable, decoder: settings.decoder.limited(to: limits), cache: cache)
        let evaluator = Evaluator(model, settings, images, seed: seed ?? settings.seed, compiler)
        let state = try evaluator.state(filledBy: saved.load)
        var report = EvaluationReport(
            task: saved.kind.rawValue, classes: classes, images: images.loader.items.count, part: part)
        for path in settings.paths {
            guard let evaluation = try evaluator.evaluate(state, path, shouldStop: { false }) else { continue }
            report.add(evaluation, try evaluator.cost(path), checkpoint: saved.path, epoch: saved.lastEpoch)
        }
        return (report, images.loader.skipped, images.loader.remarks)
    }

    /// The classes of a folder, which those of a file without names are in their order.
    private func classes(of folder: String) throws -> [String] {
        let found = try ImageFolder(root: folder).classes
        guard found.count == classes.count else {
            throw EvaluationError.otherClasses(
                path: folder, classes: found.count, checkpoint: saved.path, known: classes.count)
        }
        return found
    }

    /// How probable each class is for an image, seen on all tokens.
    public func probabilities(of image: RGBImage) throws -> [Double] {
        let (program, state) = try single ?? prepare()
        let configuration = saved.configuration
        let pixels = try image.seenInEvaluation(size: configuration.image).normalized()
        let images = try TensorData(
            pixels, shape: [1, configuration.channels, configuration.image, configuration.image])
        let logits = try program.run(state, ["images": images])["logits"]?.floats ?? []
        return Evaluation.softmax(logits.map(Double.init)).shares
    }

    private func prepare() throws -> (CompiledStep, ProgramState) {
        let program = try compiler.compile(
            "classification of one image", settings.classification(of: model, batch: 1, masking: nil))
        let state = ProgramState()
        try program.addParameters(to: state, seed: 0)
        try saved.load(program.program.parameters, into: state)
        single = (program, state)
        return (program, state)
    }
}
