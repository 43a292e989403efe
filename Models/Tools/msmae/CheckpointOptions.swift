import ArgumentParser
import MSMAE
import ToolOptions

/// Which trained model to look at, for all commands that use one.
struct CheckpointOptions: ParsableArguments {
    @Option(
        help:
            "A checkpoint of this program or of the public code (.pth), or the folder of a run, whose newest one is taken.",
        completion: .file())
    var checkpoint: String

    @OptionGroup var weights: ForeignWeightsOptions

    /// What to take of a file that this program has not written.
    func reading(classes: [String]? = nil) -> WeightsReading { weights.reading(classes: classes) }
}

/// What to take of a file of weights that this program has not written.
struct ForeignWeightsOptions: ParsableArguments {
    @Option(
        help:
            "Size of the model, for weights of the public code: \(PresetOptions.list). (default: by the weights' shapes)",
        completion: .list(PresetOptions.names))
    var preset: String?

    @OptionGroup var selection: WeightsSelectionOptions

    func validate() throws {
        if let preset { try PresetOptions.check(preset) }
    }

    func reading(classes: [String]? = nil) -> WeightsReading {
        WeightsReading(
            key: selection.weightsKey, prefix: selection.weightsPrefix, preset: preset, classes: classes)
    }
}

/// Names of the classes of a classifier that does not tell them.
struct ClassNameOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Names of the classes in the order of the head, for weights of the public code, such as benign,malignant.",
            valueName: "name,name"))
    var classes: String?

    func validate() throws {
        guard let names else { return }
        guard names.count > 1, !names.contains(""), Set(names).count == names.count else {
            throw ValidationError("--classes is '\(classes ?? "")'; give different names with commas between them.")
        }
    }

    var names: [String]? { classes?.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
}
