/// A run that cannot begin or go on as it was asked for.
public enum FitError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A new run in a folder that holds one.
    case runExists(folder: String)
    /// A run to go on with that is not there.
    case noRun(folder: String)
    /// A run to go on with that was started on other data.
    case otherData(then: String, now: String)
    /// A run to go on with whose model computed something else, with weights of the same names and shapes: what is
    /// different.
    case otherModel(String)
    /// Settings that a run cannot go on with other values of, each as a sentence.
    case otherSettings([String])
    /// A plateau schedule that takes for better what its measure takes for worse.
    case otherGoal(PlateauSchedule.Goal, hasValidation: Bool)
    /// Patience, where nothing says how good an epoch was.
    case patienceWithoutValidation
    /// No seeds, or some that stand twice.
    case seeds([Int])

    /// What `fit` says in place of what a command line would; nil if it would say the same.
    init?(_ error: RunError) {
        switch error {
        case .runExists(let path): self = .runExists(folder: path)
        case .noRun(let path), .noCheckpoint(let path, _), .noRuns(let path): self = .noRun(folder: path)
        case .otherImages(_, let then, let now): self = .otherData(then: then, now: now)
        case .contradictions(let all, _, _):
            self = .otherSettings(
                all.filter { !$0.mayChange }.map { "\($0.name) is \($0.given) here and \($0.saved) in the run" })
        default: return nil
        }
    }

    public var description: String {
        switch self {
        case .runExists(let folder):
            "\(folder): the folder holds a run already; go on with it by fit(…, resuming: true), or name another folder"
        case .noRun(let folder):
            "\(folder): there is no run in this folder to go on with; begin one by fit without resuming"
        case .otherData(let then, let now):
            "the run was started on \(then), and the data has \(now) now; give the data as it was, or begin a new run "
                + "with the weights of that one (loadWeights)"
        case .otherModel(let difference):
            "the model is not that of the run, in which \(difference): give the step as it was, begin a new run with the "
                + "weights of that one (loadWeights), or go on with the change by fit(…, resuming: true, "
                + "allowingChanges: true)"
        case .otherSettings(let differences):
            "\(differences.joined(separator: "; ")): give the settings and the batch as they were, or begin a new run in "
                + "another folder"
        case .otherGoal(let goal, hasValidation: true):
            "the plateau schedule takes \(goal.rawValue) measures for better, and the validation does not: give both "
                + "the same goal"
        case .otherGoal(let goal, hasValidation: false):
            "the plateau schedule takes \(goal.rawValue) measures for better, and without a validation it goes by the "
                + "loss, which is better when smaller: give it the goal .smaller, or fit a validation"
        case .patienceWithoutValidation:
            "patience counts epochs without a better validation, and there is none: give a validation, or no patience"
        case .seeds(let seeds):
            "the seeds are \(seeds): give at least one, and each once"
        }
    }
}
