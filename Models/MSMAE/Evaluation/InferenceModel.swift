import Apus

/// A trained classifier or segmentation as a checkpoint has it: the graph of its inference, and its weights, for other
/// programs.
public final class InferenceModel {
    /// The path of the checkpoint.
    public let path: String
    /// Names of the classes, in the order of the output; nil if the file does not tell.
    public let classes: [String]?
    private let saved: SavedModel
    private let step: (Int) throws -> InferenceStep
    private var state: ProgramState?

    /// Opens a checkpoint, or the newest one of a run's folder. `reading` says what to take of a file that this program
    /// has not written.
    ///
    /// Throws if it is broken, or holds neither a classifier nor a segmentation.
    public init(checkpoint path: String, reading: WeightsReading = WeightsReading()) throws {
        let saved = try SavedModel(checkpoint: path, reading: reading)
        self.saved = saved
        self.path = saved.path
        classes = saved.classes
        switch saved.settings {
        case let settings as any ClassifierSettings:
            let model = try MaskedAutoencoder(saved.configuration)
            step = { settings.classification(of: model, batch: $0, masking: nil) }
        case let settings as SegmentationSettings:
            let model = try settings.model(classes: saved.classes?.count ?? 0)
            step = { model.segmentation(batch: $0) }
        default: throw EvaluationError.noClassifier(path: saved.path, kind: saved.kind)
        }
    }

    /// What was taken for granted of a file that this program has not written.
    public var notes: [String] { saved.notes }

    /// The graph from `images` f32 [batch, channels, side, side], normalised, to `logits`, as it was traced.
    public func graph(batch: Int) throws -> Graph { try step(batch).trace() }

    /// The numbers of a parameter of the graph, averaged ones where the file has them.
    public func weight(_ parameter: Parameter) throws -> TensorData {
        let state = state ?? ProgramState()
        self.state = state
        try state.add([parameter], seed: 0)
        try saved.load([parameter], into: state)
        return try state.read(parameter.name)
    }
}
