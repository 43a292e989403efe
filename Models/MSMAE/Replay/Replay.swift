import Apus

/// Runs recorded results of other implementations again, by compiled programs, and compares.
///
/// Programs get the recorded weights (`param.*`) and inputs (`input.*`) alone; everything else in the file serves for
/// comparing.
public enum Replay {
    /// Kinds of recordings that this version replays.
    public static let kinds = ["pretrain", "finetune", "segmentation", "transforms", "metrics", "checkpoint"]

    /// Replays a file; for a checkpoint of PyTorch (`.pth`), the recording beside it. Throws if the file is not a sound
    /// recording of a known kind.
    public static func run(_ path: String, _ compiler: Compiler) throws(ReplayError) -> ReplayReport {
        let recording = try Recording(contentsOf: recordingPath(path))
        let comparisons =
            switch recording.kind {
            case "pretrain": try preTraining(recording, compiler)
            case "finetune": try fineTuning(recording, compiler)
            case "segmentation": try segmentation(recording, compiler)
            case "transforms": try transforms(recording)
            case "metrics": try metrics(recording)
            case "checkpoint": try checkpoint(recording)
            default:
                throw ReplayError(
                    .unsupported, path: path,
                    "this version does not replay recordings of the kind '\(recording.kind.prefix(40))', only \(kinds.joined(separator: ", "))"
                )
            }
        return ReplayReport(path: path, kind: recording.kind, comparisons: comparisons)
    }

    /// Runs what may fail in the framework, and says so of the file that was to be replayed.
    static func running<Result>(_ recording: Recording, _ body: () throws -> Result) throws(ReplayError) -> Result {
        do { return try body() } catch {
            throw ReplayError(.notRunnable, path: recording.path, "its model does not run: \(error)")
        }
    }

    /// The outputs of a computation with the recorded weights.
    static func outputs(
        of step: InferenceStep, _ compiler: Compiler, weights: [String: TensorData], inputs: [String: TensorData]
    ) throws -> StepReport {
        let program = try compiler.compile(step), state = try program.makeState(seed: 0)
        for parameter in program.program.parameters {
            if let weight = weights[parameter.name] { try state.write(parameter.name, weight) }
        }
        return try program.run(state, inputs.filter { name, _ in program.program.inputs.contains { $0.name == name } })
    }
}
