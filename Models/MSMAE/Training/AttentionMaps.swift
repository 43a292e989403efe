import Apus

/// The attention maps that a run masks by, with the epoch before which they were computed: saved and restored with the
/// run.
final class AttentionMaps {
    /// Name of the tensor that holds the maps, [images, grid, grid].
    static let tensorName = "attention_maps"

    /// The maps in use, [images, grid, grid].
    private(set) var maps: [Float]?
    private var epoch: Int?
    private var program: CompiledStep?

    private let model: MaskedAutoencoder
    private let loader: ImageLoader
    private let compiler: RunCompiler
    private let output: TrainingOutput

    init(_ model: MaskedAutoencoder, _ loader: ImageLoader, _ compiler: RunCompiler, _ output: TrainingOutput) {
        (self.model, self.loader, self.compiler, self.output) = (model, loader, compiler, output)
    }

    private var shape: [Int] { [loader.items.count, model.configuration.grid, model.configuration.grid] }

    /// Computes the maps of all images anew, unless that was done before this epoch; false if it was asked to stop
    /// meanwhile. Ranks take turns with batches of images, and each gets all maps.
    func refresh(_ session: TrainingSession) throws -> Bool {
        guard epoch != session.epoch else { return true }
        let (computed, seconds) = try Clock.time { () -> [Float]? in
            guard let own = try compiler.ranks.together("the attention maps", { try compute(session) }) else {
                return nil
            }
            return try compiler.ranks.gathered(
                own.maps, at: own.places, of: loader.items.count, width: model.configuration.tokens)
        }
        guard let computed else { return false }
        (maps, epoch) = (computed, session.epoch)
        output.say(
            "computed the attention maps of \(loader.items.count) images in \(String(format: "%.1f", seconds)) s")
        return true
    }

    /// The maps of this rank's images, and their places; nil if it was asked to stop.
    private func compute(_ session: TrainingSession) throws -> (places: [Int], maps: [Float])? {
        let program = try program ?? compiler.compile("the attention maps", model.attentionMap(batch: loader.batchSize))
        self.program = program
        try program.addParameters(to: session.state, seed: 0)
        let whole = ImageLoader(wholeImagesOf: loader, share: compiler.share), configuration = model.configuration
        let batches = try whole.epoch(0, dropLast: false)
        defer { batches.stop() }
        var places: [Int] = [], maps: [Float] = []
        while let batch = try batches.next() {
            if session.shouldStop() { return nil }
            let report = try program.run(
                session.state, ["images": try batch.images(filledUpTo: whole.batchSize, configuration)])
            maps += report["mask_weights"]?.floats.prefix(batch.count * configuration.tokens) ?? []
            places += batch.indices
        }
        return (places, maps)
    }

    // MARK: - Checkpoints

    var savedTensors: [SafetensorsWriter.Tensor] { maps.map { [.init(Self.tensorName, shape, floats: $0)] } ?? [] }
    var savedMetadata: [String: String] { epoch.map { ["maps_epoch": String($0)] } ?? [:] }

    func restore(from file: SafetensorsFile) throws {
        guard let epoch = file.metadata["maps_epoch"].flatMap({ Int($0) }) else { return }
        guard file.contains(Self.tensorName), try file.shape(Self.tensorName) == shape else {
            throw RunError.unfitCheckpoint(
                path: file.path, problems: ["the attention maps are missing or not of the shape \(shape)"])
        }
        (maps, self.epoch) = (try file.floats(Self.tensorName), epoch)
    }
}

extension Batch {
    /// The images as a program's input, filled up to the number that it takes.
    func images(filledUpTo count: Int, _ configuration: Configuration) throws -> TensorData {
        try padded(to: count).images.tensor(
            shape: [count, configuration.channels, configuration.image, configuration.image])
    }
}
