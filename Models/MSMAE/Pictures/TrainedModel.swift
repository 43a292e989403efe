import Apus

/// A trained model as a checkpoint has it, to look at images one by one.
public final class TrainedModel {
    public let configuration: Configuration
    /// The masking that the run of the checkpoint had come to.
    public let masking: Masking
    /// How image files are read, as in training.
    public let decoder: ImageDecoder

    private let model: MaskedAutoencoder
    /// What was taken for granted of a file that this program has not written.
    public let notes: [String]
    private let saved: SavedModel
    private let compiler: Compiler
    private let state = ProgramState()
    private var attention: CompiledStep?
    private var reconstructions: [Masking: CompiledStep] = [:]

    /// Opens a checkpoint, or the newest one of a run's folder; without `threads`, as many are used as `ThreadChoice`
    /// says. `reading` says what to take of a file that this program has not written.
    ///
    /// Throws if it is broken, or holds no such model.
    public init(
        checkpoint path: String, reading: WeightsReading = WeightsReading(), threads: Int? = nil, pinned: Bool = false
    ) throws {
        let saved = try SavedModel(checkpoint: path, reading: reading)
        guard saved.kind != .segment else {
            throw RunError.foreignCheckpoint(
                path: saved.path,
                reason:
                    "a segmentation has neither attention maps nor a decoder to draw; msmae segment predict draws its regions"
            )
        }
        (self.saved, notes) = (saved, saved.notes)
        (configuration, masking) = (saved.configuration, saved.masking ?? .random)
        decoder = saved.settings.decoder
        model = try MaskedAutoencoder(configuration)
        compiler = try Compiler(saved.options, threads: threads, pinned: pinned)
    }

    /// The image as the model sees it: scaled to a square.
    func input(_ image: RGBImage) throws -> RGBImage {
        try image.resized(width: configuration.image, height: configuration.image, filter: .bilinear)
    }

    /// How much the class token attends to each part of an image.
    public func attentionMap(of image: RGBImage) throws -> AttentionMap {
        let program = try attention ?? prepare(compiler.compile(model.attentionMap(batch: 1)))
        attention = program
        let report = try program.run(state, ["images": try tensor(input(image))])
        return try AttentionMap(grid: configuration.grid, values: report["mask_weights"]?.floats ?? [])
    }

    /// What the decoder makes of an image of which some patches are hidden; `key` chooses among the draws.
    func reconstruct(_ image: RGBImage, _ masking: Masking, key: (Int32, Int32)) throws -> (
        predictions: [Float], mask: [Float]
    ) {
        guard saved.contains("mask_token") else {
            throw RunError.foreignCheckpoint(
                path: saved.path, reason: "it holds an encoder without a decoder, and a reconstruction needs both")
        }
        let program =
            try reconstructions[masking] ?? prepare(compiler.compile(model.reconstruction(batch: 1, masking: masking)))
        reconstructions[masking] = program
        var inputs = ["images": try tensor(input(image)), "random_key": try TensorData([key.0, key.1])]
        if masking == .attention {
            inputs["mask_weights"] = try TensorData(attentionMap(of: image).values, shape: [1, configuration.tokens])
        }
        let report = try program.run(state, inputs)
        return (report["predictions"]?.floats ?? [], report["mask"]?.floats ?? [])
    }

    private func tensor(_ image: RGBImage) throws -> TensorData {
        try TensorData(
            image.normalized(), shape: [1, configuration.channels, configuration.image, configuration.image])
    }

    /// Gives a program its weights.
    private func prepare(_ program: CompiledStep) throws -> CompiledStep {
        try program.addParameters(to: state, seed: 0)
        try saved.load(program.program.parameters, into: state)
        return program
    }
}
