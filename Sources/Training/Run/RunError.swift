import ApusFiles
import ApusRuntime

/// Why a run cannot start, go on or be shown.
public enum RunError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A new run was to be written where there is one already.
    case runExists(path: String)
    /// Settings that differ from those of the run that is resumed; `takesWeights` if a new run can begin with weights.
    case contradictions([Contradiction], run: String, takesWeights: Bool)
    /// A run of another workflow, which that one's command goes on with.
    case otherWorkflow(path: String, found: Workflow, wanted: Workflow)
    /// A file that was given as a run; `run` is the folder of the run that it is a checkpoint of, if it is one.
    case runExpected(path: String, run: String?)
    /// A folder without settings or checkpoints.
    case noRun(path: String)
    /// The data of a run is not where it was.
    case dataMissing(run: String, data: String)
    /// The images are not those that the run was started with.
    case otherImages(data: String, then: String, now: String)
    /// A source of batches that ended before the epoch that it had been counted for.
    case dataEnded(epoch: Int, step: Int, of: Int)
    /// More batches per update than an epoch has.
    case tooFewBatches(batches: Int, accumulation: Int)
    /// The saved settings of a run cannot be read.
    case brokenSettings(path: String, reason: String)
    /// The file that says who computes which matmul cannot be read.
    case brokenAnswers(path: String)
    /// A safetensors file that is no checkpoint of this kind of run, or one of another version.
    case foreignCheckpoint(path: String, reason: String)
    /// Tensors of a checkpoint that are missing or do not fit the model; `hint` says what else helps.
    case unfitCheckpoint(path: String, problems: [String], hint: String? = nil)
    /// A run folder that holds no checkpoint yet; `others` are the names of other files of weights in it.
    case noCheckpoint(path: String, others: [String] = [])
    /// A folder that holds no runs of several seeds.
    case noRuns(path: String)
    /// `origin` says where that began, if it was found.
    case lossNotFinite(epoch: Int, step: Int, origin: NotFiniteOrigin?, checkpoint: String?)
    /// A number that is not finite in the weights that training was to begin with or go on from.
    case initialWeightNotFinite(name: String, path: String)
    /// A weight that training has made not finite.
    case weightNotFinite(name: String, epoch: Int, step: Int, checkpoint: String?)
    /// A batch that ranks cannot share evenly.
    case indivisibleBatch(Int, ranks: Int)
    /// A number of shares of a batch that cannot be, and why.
    case shares(Int, String)
    /// Something that all ranks need to have in common, and that one of them has otherwise than rank 0.
    case ranksDiffer(what: String, rank: Int, value: String, first: String)
    /// A weight that has other bits on a rank than on rank 0 after a step.
    case ranksDrifted(weight: String, rank: Int, step: Int)
    /// Another rank has failed, and says why itself.
    case otherRank(Int, failedIn: String)

    /// A setting with the value that was given and the one that the run has.
    public struct Contradiction: Hashable, Sendable {
        let name: String, given: String, saved: String
        /// Whether the run can go on with the given value, if that is asked for.
        let mayChange: Bool
    }

    public var description: String {
        switch self {
        case .runExists(let path):
            "\(path): the folder holds a run already; go on with it by --resume \(path), or choose another folder"
        case .contradictions(let all, let run, let takesWeights):
            all.map { "\($0.name) is \($0.given) here and \($0.saved) in the run that is resumed" }.joined(
                separator: "; ") + "; " + Self.advice(all, run, takesWeights)
        case .otherWorkflow(let path, let found, let wanted):
            "\(path): a run of \(found.activity), and this is \(wanted.activity): go on with it by \(found.command) --resume"
        case .runExpected(let path, let run?):
            "\(path): a checkpoint, and --resume takes the folder of its run, which goes on from its newest one: "
                + "--resume \(run)"
        case .runExpected(let path, run: nil):
            "\(path): a file, and --resume takes the folder of a run, or a checkpoint of PyTorch (.pth) with the "
                + "optimizer's state in it"
        case .noRun(let path):
            "\(path): there is no run in this folder, neither config.json nor checkpoints; begin one there by --out \(path)"
        case .dataMissing(let run, let data):
            "\(data): the data of the run is not there any longer; if it has moved, go on by --resume \(run) --data NEW"
        case .otherImages(let data, let then, let now):
            "\(data): the run was started on \(then), and these are \(now); give the images as they were by --data, or "
                + "begin a new run on these with the weights of that one, by --init RUN --out NEW"
        case .dataEnded(let epoch, let step, let steps):
            "epoch \(epoch): the data ended after \(step) of \(steps) steps; a source gives as many batches as its task "
                + "counts in an epoch"
        case .tooFewBatches(let batches, let accumulation):
            "accum-iter is \(accumulation), but an epoch has only \(batches) full batches"
        case .brokenSettings(let path, let reason): "\(path): the settings of the run cannot be read: \(reason)"
        case .brokenAnswers(let path):
            "\(path): it is no JSON object of texts; remove it to measure anew, which may change the last bits"
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
        case .initialWeightNotFinite(let name, let path):
            "\(path): '\(name)' is not finite in this file, so training cannot begin with it; take another checkpoint"
        case .noRuns(let path): "\(path): the folder holds no runs seed-0, seed-1, ...; start them by --out \(path)"
        case .lossNotFinite(let epoch, let step, let origin, let checkpoint):
            "the loss is not finite in epoch \(epoch + 1), step \(step + 1)" + (origin.map { ": \($0)" } ?? "") + "; "
                + Self.advice(checkpoint, origin?.advice)
        case .weightNotFinite(let name, let epoch, let step, let checkpoint):
            "'\(name)' is not finite after epoch \(epoch + 1), step \(step); " + Self.advice(checkpoint)
        case .indivisibleBatch(let batch, let ranks):
            "batch is \(batch), which \(ranks) ranks cannot share evenly; take a multiple of \(ranks), or another number of "
                + "ranks"
        case .shares(let shares, let reason):
            "reproducible is \(shares), \(reason): take a power of two of shares that the batch is a multiple of, and as many "
                + "ranks or half, a quarter and so on"
        case .ranksDiffer(let what, let rank, let value, let first):
            "\(what) is \(value) on rank \(rank) and \(first) on rank 0; start all ranks with the same"
        case .ranksDrifted(let weight, let rank, let step):
            "after step \(step), '\(weight)' has other bits on rank \(rank) than on rank 0: memory or network of a machine is "
                + "not to be trusted; go on from the last checkpoint by --resume"
        case .otherRank(let rank, let what): "rank \(rank) has failed in \(what), and says why"
        }
    }

    /// Problems of a checkpoint that are listed one by one.
    private static let shown = 5

    /// What to do about settings that differ.
    private static func advice(_ all: [Contradiction], _ run: String, _ takesWeights: Bool) -> String {
        let fixed = all.filter { !$0.mayChange }.map { "--\($0.name)" }
        let new =
            "begin a new run"
            + (takesWeights ? " from these weights by --init \(run) --out NEW" : " by --out NEW")
        guard fixed.isEmpty else {
            return "\(fixed.joined(separator: ", ")) cannot change on the way: leave it out here, or \(new)"
        }
        return "leave it out here, go on with the change by --allow-changes, or \(new)"
    }

    private static func advice(_ checkpoint: String?, _ what: String? = nil) -> String {
        (what ?? "try a lower learning rate") + "; "
            + (checkpoint.map {
                "the last good checkpoint is \($0), from which --resume goes on, with --lr and --allow-changes at another rate"
            } ?? "there is no checkpoint yet")
    }
}

extension RunError {
    /// Whether an error has come between two steps, and a checkpoint can be written: it is none of the run itself, nor
    /// of a file that could not be written, nor of ranks that were interrupted while they added up.
    static func leavesWeights(_ error: any Error) -> Bool {
        if case .otherRank = error as? RunError { return true }
        let isOfWriting = error is FileError || (error as? SafetensorsError)?.code == .unwritable
        let isOfRanks = [.communication, .otherRank].contains((error as? RuntimeError)?.code)
        return !(error is RunError) && !isOfWriting && !isOfRanks
    }
}
