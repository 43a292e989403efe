/// Why a run cannot start, go on or be shown.
public enum RunError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A new run was to be written where there is one already.
    case runExists(path: String)
    /// Settings that differ from those of the run that is resumed.
    case contradictions([Contradiction])
    /// The images are not those that the run was started with.
    case otherImages(data: String, then: String, now: String)
    /// More batches per update than an epoch has.
    case tooFewBatches(batches: Int, accumulation: Int)
    /// The saved settings of a run cannot be read.
    case brokenSettings(path: String, reason: String)
    /// A safetensors file that is no checkpoint of this kind of run, or one of another version.
    case foreignCheckpoint(path: String, reason: String)
    /// Tensors of a checkpoint that are missing or do not fit the model; `hint` says what else helps.
    case unfitCheckpoint(path: String, problems: [String], hint: String? = nil)
    /// A run folder that holds no checkpoint yet; `others` are the names of other files of weights in it.
    case noCheckpoint(path: String, others: [String] = [])
    /// A folder that holds no runs of several seeds.
    case noRuns(path: String)
    case lossNotFinite(epoch: Int, step: Int, checkpoint: String?)
    case weightNotFinite(name: String, epoch: Int, step: Int, checkpoint: String?)

    /// A setting with the value that was given and the one that the run has.
    public struct Contradiction: Hashable, Sendable {
        let name: String, given: String, saved: String
    }

    public var description: String {
        switch self {
        case .runExists(let path):
            "\(path): the folder holds a run already; go on with it by --resume \(path), or choose another folder"
        case .contradictions(let all):
            all.map { "\($0.name) is \($0.given) here and \($0.saved) in the run that is resumed" }.joined(
                separator: "; ")
        case .otherImages(let data, let then, let now): "\(data): the run was started on \(then), and these are \(now)"
        case .tooFewBatches(let batches, let accumulation):
            "accum-iter is \(accumulation), but an epoch has only \(batches) full batches"
        case .brokenSettings(let path, let reason): "\(path): the settings of the run cannot be read: \(reason)"
        case .foreignCheckpoint(let path, let reason): "\(path): not a checkpoint that can be used: \(reason)"
        case .unfitCheckpoint(let path, let problems, let hint):
            "\(path): the checkpoint does not fit the model: " + problems.prefix(Self.shown).joined(separator: "; ")
                + (problems.count > Self.shown ? "; and \(problems.count - Self.shown) more" : "")
                + (hint.map { "; \($0)" } ?? "")
        case .noCheckpoint(let path, let others):
            others.isEmpty
                ? "\(path): no checkpoint in this folder: it is no run, or one that has made none yet"
                : "\(path): the folder is no run with a checkpoint; name the file of weights in it: "
                    + others.prefix(Self.shown).joined(separator: ", ") + (others.count > Self.shown ? ", …" : "")
        case .noRuns(let path): "\(path): the folder holds no runs seed-0, seed-1, ...; start them by --out \(path)"
        case .lossNotFinite(let epoch, let step, let checkpoint):
            "the loss is not finite in epoch \(epoch + 1), step \(step + 1); " + Self.advice(checkpoint)
        case .weightNotFinite(let name, let epoch, let step, let checkpoint):
            "'\(name)' is not finite after epoch \(epoch + 1), step \(step); " + Self.advice(checkpoint)
        }
    }

    /// Problems of a checkpoint that are listed one by one.
    private static let shown = 5

    private static func advice(_ checkpoint: String?) -> String {
        "try a lower learning rate; "
            + (checkpoint.map { "the last good checkpoint is \($0)" } ?? "there is no checkpoint yet")
    }
}
