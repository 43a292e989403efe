import Apus
import ArgumentParser

/// Which tensors of a file are the weights, where the file leaves a choice.
package struct WeightsSelectionOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The entry of a .pth file that holds the weights, such as model_ema. (default: the one that can be meant)",
            valueName: "key"))
    package var weightsKey: String?

    @Option(
        help: ArgumentHelp(
            "What the names of weights begin with in their file, such as module. (default: what can be meant)",
            valueName: "text"))
    package var weightsPrefix: String?

    package init() {}

    package var selection: WeightsSelection { WeightsSelection(key: weightsKey, prefix: weightsPrefix) }
}
