import ApusLayers
import ApusRuntime

/// What training with several seeds has come to.
public struct SeedsResult: Sendable {
    /// The best epoch of each run that has finished, in the order of the seeds; none without validation.
    public let best: [BestEpoch]
    /// Mean and standard deviation, over the seeds, of the loss and the metrics in the last epoch and of the best score
    /// of the validation, `best_score`, where all runs have a finite one; nil if training was asked to stop before.
    public let summary: SeedSummary?
    /// Whether all runs have come to their end; otherwise one was asked to stop, and has saved a checkpoint.
    public var isFinished: Bool { summary != nil }
}

/// Trains a step once with each of some seeds, one run after the other, in the folders `seed-0`, `seed-1` and so on of
/// a folder, whose `summary.json` compares them.
///
/// Each run is one of
/// ``fit(_:_:in:settings:schedule:validation:resuming:allowingChanges:output:communicator:shouldStop:)`` with that
/// seed, which draws the weights, the order of the samples and what is random in the model; its weights are in its
/// folder.
///
/// - Parameters:
///   - seeds: Each once, from 0 on. They take the place of that of the settings.
///   - resuming: Whether the folder holds such runs: those that were stopped go on, those that are missing begin.
///   - allowingChanges: Whether they may go on with a model that computes something else than before.
/// - Throws: What `fit` with one seed throws, and ``FitError/seeds(_:)``.
public func fit(
    _ step: TrainingStep, _ data: some DataSource, in folder: String, seeds: [Int],
    settings: FitSettings = FitSettings(), schedule: LearningRateSchedule? = nil, validation: Validation? = nil,
    resuming: Bool = false, allowingChanges: Bool = false, output: TrainingOutput = .standard,
    shouldStop: @escaping (_ step: Int) -> Bool = { _ in Interrupt.requested }
) throws -> SeedsResult {
    guard !seeds.isEmpty, Set(seeds).count == seeds.count else { throw FitError.seeds(seeds) }
    let job = try FitJob(step, data, schedule, validation, settings, allowingChanges: allowingChanges)
    return try job.explaining(folder, resuming) {
        let given = job.settings.values.filter { $0.key != "seed" }
        let runs =
            try resuming
            ? SeedRuns<FitTask>(resuming: folder, given: given, allowingChanges: true) { _ in seeds }
            : SeedRuns<FitTask>(startingIn: folder, seeds: seeds, given: given)
        var best: [BestEpoch] = []
        let summary = try runs.run(output: output, shouldStop: shouldStop, makeTask: job.task) { trainer in
            guard let epoch = trainer.task.best else { return trainer.results }
            best.append(epoch)
            guard epoch.score.isFinite else { return trainer.results }
            return trainer.results.merging(["best_score": epoch.score]) { first, _ in first }
        }
        return SeedsResult(best: best, summary: summary)
    }
}
